// The tree's transaction is committed without the results of its commands.
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
tree_commit(...)
{
<...
- status = session_store(tree);
+ status = 0;
...>
}
