// Bounds count in clusters whose other nodes do not know them.
// killers: test_tree_bounds
@@
@@
may_prune_more(...)
{
<...
- tree->cluster.level < LEVEL_BOUNDS
+ false
...>
}
