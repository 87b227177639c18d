// An extended attribute that is removed changes neither the ctime nor the revision.
// killers: test_tree_random
@@
@@
op_removexattr(...)
{
<...
- status = inode_set(c, &inode);
...>
}
