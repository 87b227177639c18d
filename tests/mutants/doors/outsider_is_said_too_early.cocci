// A mount says that the caller is outside of the group before all nodes understand it.
// killers: test_fs
@@
@@
can_say_outsider(...)
{
- return tree_cluster(replica_tree(fs_of(req)->replica))->level >= LEVEL_OUTSIDER;
+ return true;
}
