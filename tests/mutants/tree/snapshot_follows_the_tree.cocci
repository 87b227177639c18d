// A snapshot's transaction begins with each table: later commands get into some tables and not
// into others (trap 1).
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
read_row(...)
{
<...
- table_select(&r->sql, &tree_tables[r->table], r->format, &r->cursor)
+ (sql_exec(&r->sql, "COMMIT; BEGIN"), table_select(&r->sql, &tree_tables[r->table], r->format, &r->cursor))
...>
}
