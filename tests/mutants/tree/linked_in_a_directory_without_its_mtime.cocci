// A hard link leaves the mtime of its directory as it was.
// killers: test_tree_random
@@
@@
op_link(...)
{
<...
- inode_touch(c, &dir);
...>
}
