// A rename leaves the mtime of the directory that it takes the name from.
// killers: test_tree_random
@@
@@
op_rename(...)
{
<...
- inode_touch(c, &r.from);
...>
}
