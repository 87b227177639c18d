// The ctime of an inode that is not in memory is lost.
// killers: test_tree_random
@@
@@
inode_read(...)
{
<...
- inode->kept = false;
+ inode->kept = false; inode->attr.ctime = 0;
...>
}
