// Punching a hole is not told.
// killers: test_tree_changes
@@
@@
op_punch(...)
{
<...
- change_inode(...);
...>
}
