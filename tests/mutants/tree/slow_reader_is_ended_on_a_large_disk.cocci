// A snapshot for a node with a slow line is ended at 1 GiB of the WAL, however much room there is.
// killers: test_tree_snapshot
@@
@@
checkpoint_watch(struct tree *tree)
{
<...
- readers_limit(tree, bytes)
+ (tree->tight ? TREE_WAL_WANTED : TREE_WAL_READERS)
...>
}
