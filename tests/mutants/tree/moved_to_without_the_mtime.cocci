// A rename leaves the mtime of the directory that it moves the name to.
// killers: test_tree_random
@@
@@
op_rename(...)
{
<...
- inode_touch(c, r.to);
...>
}
