// Observers are not told of the name that a rename leaves.
// killers: test_tree_changes
@@
@@
move_name(...)
{
<...
- tell_from(...);
...>
}
