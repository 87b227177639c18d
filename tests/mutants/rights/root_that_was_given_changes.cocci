// The root gets another owner although it has got one.
// killers: test_tree_cluster, test_tree_random
@@
@@
give_root(...)
{
<...
- root.attr.mode != ROOT_MODE
+ false
...>
}
