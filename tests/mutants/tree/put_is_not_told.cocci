// Putting a key that exists is not told.
// killers: test_tree_changes
@@
@@
op_put(...)
{
<...
- change_inode(...);
...>
}
