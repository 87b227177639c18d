// Observers are not told of the name that a rename takes.
// killers: test_tree_changes
@@
@@
move_name(...)
{
<...
- tell_to(...);
...>
}
