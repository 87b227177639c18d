// A name that is made leaves the mtime of its directory as it was.
// killers: test_tree_random
@@
@@
name_make(...)
{
<...
- inode_touch(c, dir);
...>
}
