// A command that failed is tried again when it is repeated, and may succeed.
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
take_effect(...)
{
<...
- session_keep(tree, &view->stamp, result)
+ result->status < 0 ? 0 : session_keep(tree, &view->stamp, result)
...>
}
