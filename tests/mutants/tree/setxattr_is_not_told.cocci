// Setting an extended attribute is not told.
// killers: test_tree_changes
@@
@@
op_setxattr(...)
{
<...
- change_inode(...);
...>
}
