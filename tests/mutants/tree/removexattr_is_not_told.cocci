// Removing an extended attribute is not told.
// killers: test_tree_changes
@@
@@
op_removexattr(...)
{
<...
- change_inode(...);
...>
}
