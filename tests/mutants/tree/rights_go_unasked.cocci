// Every change takes setuid and setgid away, also one by somebody who may keep them.
// killers: test_tree_random
@@
@@
inode_kill_priv(...)
{
<...
- !(op->flags & OP_KILL_PRIV) || inode_is(inode, S_IFDIR)
+ inode_is(inode, S_IFDIR)
...>
}
