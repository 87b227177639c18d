// Truncating is not told.
// killers: test_tree_changes
@@
@@
op_truncate(...)
{
<...
- change_inode(...);
...>
}
