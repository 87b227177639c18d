// The results reach the disk in a transaction of their own, after the one of the changes.
// killers: test_tree_once, test_tree_snapshot, test_tree_random, power
@@
@@
tree_commit(...)
{
<...
- status = session_store(tree);
+ status = tree_run(tree, tree_query(tree, QUERY_COMMIT));
+ if (status == 0) status = tree_run(tree, tree_query(tree, QUERY_BEGIN));
+ if (status == 0) status = session_store(tree);
...>
}
