// Changes of the cluster stay in memory although their list was undone.
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
