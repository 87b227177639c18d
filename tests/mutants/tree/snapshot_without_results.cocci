// A snapshot leaves the results of commands behind: repeated commands take effect again after it
// (trap 1).
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
read_row(...)
{
<...
- table_select(&r->sql, &tree_tables[r->table], r->format, &r->cursor)
+ (r->table == 2 ? sql_prepare(&r->sql, "SELECT node, page, bytes FROM result WHERE 0", &r->cursor) : table_select(&r->sql, &tree_tables[r->table], r->format, &r->cursor))
...>
}
