// Nothing tells that the root has a new owner.
// killers: test_tree_cluster
@@
@@
give_root(...)
{
<...
- change_inode(c, CHANGE_ATTRIBUTES, &root);
...>
}
