// A file that lost its last name while it was open keeps its ttl.
// killers: test_tree_mortal, test_tree_random
@@
@@
inode_unlink(...)
{
<...
- status = mortal_forget(c, inode);
+ ;
...>
}
