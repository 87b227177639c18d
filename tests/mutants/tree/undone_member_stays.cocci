// What a list changed of the cluster stays in memory although the list was undone.
// killers: test_tree_cluster
@@
@@
run_list(...)
{
<...
- cluster_load(c->tree)
+ 0
...>
}
