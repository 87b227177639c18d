// A snapshot's transaction begins with each table: later commands get into some tables and not
// into others (trap 1).
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
read_row(...)
{
<...
- sql_prepare(&r->sql, record_selects[r->table], &r->cursor)
+ (sql_exec(&r->sql, "COMMIT; BEGIN"), sql_prepare(&r->sql, record_selects[r->table], &r->cursor))
...>
}
