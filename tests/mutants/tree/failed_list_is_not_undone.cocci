// A list that fails halfway leaves its first operations.
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
run_list(...)
{
<...
- status = run_statement(c->tree, QUERY_UNDO);
+ ;
...>
}
