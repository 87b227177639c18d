// A hole that is punched into a small file leaves its mtime as it was.
// killers: test_tree_random
@@
@@
data_punch(...)
{
<...
- inode_touch(c, inode);
...>
}
