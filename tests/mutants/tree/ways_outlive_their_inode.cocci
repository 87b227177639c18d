// An inode that goes away leaves its ways behind.
// killers: test_tree_ways
@@
@@
inode_free(...)
{
<...
- ways_clear(...)
+ 0
...>
}
