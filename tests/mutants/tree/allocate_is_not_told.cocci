// A file that becomes longer is not told.
// killers: test_tree_changes
@@
@@
op_allocate(...)
{
<...
- change_inode(...);
...>
}
