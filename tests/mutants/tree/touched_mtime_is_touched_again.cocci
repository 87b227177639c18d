// The second write of one command takes the mtime that was set right back to the wrong one.
// killers: test_tree_times, test_tree_random
@@
@@
inode_touch(...)
{
<...
- touched || inode->attr.mtime < time
+ inode->attr.mtime < time
...>
}
