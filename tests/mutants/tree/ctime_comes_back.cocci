// The ctime of a file that was dated by a wrong clock comes back when it changes.
// killers: test_tree_times, test_tree_random
@@
@@
inode_change(...)
{
<...
- time > next ? time : next
+ time
...>
}
