// PUT by another user leaves a file its setuid bit.
// killers: test_tree_contents, test_tree_random
@@
@@
put_over(...)
{
<...
- rights_kill_priv(c, op, inode);
+ ;
...>
}
