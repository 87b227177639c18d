// The mtime of a file that was dated by a wrong clock comes back when it changes: the kernel may take its pages for those of another time.
// killers: test_tree_times, test_tree_random
@@
@@
inode_touch(...)
{
<...
- touched || inode->attr.mtime < time ? time : inode->attr.ctime
+ time
...>
}
