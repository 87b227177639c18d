// The tree's transaction is committed without its applied index.
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
tree_commit(...)
{
<...
- counters_store(tree)
+ 0
...>
}
