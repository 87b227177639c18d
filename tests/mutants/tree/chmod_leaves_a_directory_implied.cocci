// A directory that a PUT has made goes with its keys, although its attributes were set.
// killers: test_tree_implied, test_tree_random
@@
@@
op_setattr(...)
{
<...
- inode_claim(&inode);
...>
}
