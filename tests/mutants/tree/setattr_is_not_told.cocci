// Changing attributes is not told.
// killers: test_tree_changes
@@
@@
op_setattr(...)
{
<...
- change_inode(...);
...>
}
