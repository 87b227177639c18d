// Rows of the old tree are believed of the one that took its place.
// killers: test_tree_snapshot, test_tree_random
@@
@@
tree_attach(...)
{
<...
- cache_clear(tree->cache);
...>
}
