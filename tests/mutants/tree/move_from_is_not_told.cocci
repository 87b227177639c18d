// The name that a rename leaves is not told.
// killers: test_tree_changes
@@
@@
move_name(...)
{
<...
- tell_from(...);
...>
}
