// An inode that loses its last name has the ctime and the revision of before, in the answer and for those that have it open.
// killers: test_tree_random, test_tree_kept
@@
@@
inode_free(...)
{
<...
- inode_change(c, inode);
...>
}
