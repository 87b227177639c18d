// A node holds a bound file that it has removed.
// killers: test_tree_ephemeral
@@
@@
inode_unlink(...)
{
<...
- bound || hold != inode->attr.ino
+ hold != inode->attr.ino
...>
}
