// A snapshot leaves the results of commands behind: repeated commands take effect again after it
// (trap 1).
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
read_row(...)
{
<...
- sql_prepare(&r->sql, record_selects[r->table], &r->cursor)
+ sql_prepare(&r->sql, r->table == 2 ? "SELECT node, page, bytes FROM result WHERE 0" : record_selects[r->table], &r->cursor)
...>
}
