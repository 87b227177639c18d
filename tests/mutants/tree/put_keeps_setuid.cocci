// PUT by another user leaves a file its setuid bit.
// killers: test_tree_random
@@
@@
op_put(...)
{
<...
- inode_kill_priv(&walk.inode, op);
+ ;
...>
}
