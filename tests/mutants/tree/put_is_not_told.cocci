// Putting a key that exists is not told.
// killers: test_tree_changes
@@
@@
put_over(...)
{
<...
- change_inode(...);
...>
}
