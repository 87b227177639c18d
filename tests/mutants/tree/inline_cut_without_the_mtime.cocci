// A small file that becomes longer or shorter keeps its mtime.
// killers: test_tree_random
@@
@@
inline_resize(...)
{
<...
- inode_touch(c, inode);
...>
}
