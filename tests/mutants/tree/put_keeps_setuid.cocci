// PUT by another user leaves a file its setuid bit.
// killers: test_tree_contents, test_tree_random
@@
@@
put_over(...)
{
<...
- inode_kill_priv(inode, op);
+ ;
...>
}
