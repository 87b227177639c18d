// A file that was touched after a clock was put right gets the wrong time again when it changes.
// killers: test_tree_times, test_tree_random
@@
@@
inode_touch(...)
{
<...
- touched || inode->attr.mtime < time ? time : inode->attr.ctime
+ inode->attr.ctime
...>
}
