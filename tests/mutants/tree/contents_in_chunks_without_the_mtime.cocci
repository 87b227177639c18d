// A write to a file in chunks leaves its mtime as it was.
// killers: test_tree_random
@@
@@
data_finish(...)
{
<...
- inode_touch(c, inode);
...>
}
