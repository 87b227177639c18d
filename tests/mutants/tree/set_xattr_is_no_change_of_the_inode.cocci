// An extended attribute that is set changes neither the ctime nor the revision.
// killers: test_tree_random
@@
@@
op_setxattr(...)
{
<...
- status = inode_set(c, &inode);
...>
}
