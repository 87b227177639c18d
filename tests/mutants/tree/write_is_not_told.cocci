// Writing and appending are not told.
// killers: test_tree_changes
@@
@@
write_bytes(...)
{
<...
- change_inode(...);
...>
}
