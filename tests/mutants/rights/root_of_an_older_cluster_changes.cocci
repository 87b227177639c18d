// The root gets another owner at the level of an older cluster.
// killers: test_tree_cluster, test_tree_random
@@
@@
give_root(...)
{
<...
- c->tree->cluster.level > LEVEL_MIN
+ false
...>
}
