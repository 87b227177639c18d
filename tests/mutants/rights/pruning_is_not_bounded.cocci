// A list prunes any number of directories.
// killers: test_tree_bounds
@@
@@
may_prune_more(...)
{
<...
- return tree->pruned < COMMAND_PRUNED_MAX || tree->cluster.level < LEVEL_BOUNDS;
+ return true;
...>
}
