// The changes of an undone list are told.
// killers: test_tree_changes
@@
@@
take_effect(...)
{
<...
- changes_undo(tree, told);
...>
}
