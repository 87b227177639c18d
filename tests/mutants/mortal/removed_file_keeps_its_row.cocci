// The row of a file that is removed stays.
// killers: test_tree_mortal, test_tree_random
@@
@@
inode_free(...)
{
<...
- status = mortal_forget(c, inode);
+ ;
...>
}
