// TRUNCATE by another user leaves a file its setuid bit.
// killers: test_tree_random
@@
@@
op_truncate(...)
{
<...
- inode_kill_priv(&inode, op);
+ ;
...>
}
