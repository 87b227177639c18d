// The tree's transaction is committed without its applied index.
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
tree_commit(...)
{
<...
- status = counters_store(tree);
+ status = 0;
...>
}
