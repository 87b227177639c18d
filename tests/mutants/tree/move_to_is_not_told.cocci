// The name that a rename takes is not told.
// killers: test_tree_changes
@@
@@
move_name(...)
{
<...
- tell_to(...);
...>
}
