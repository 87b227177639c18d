// If the first command after a start fails, those that got its locks do not hear of it.
// killers: test_tree_locks
@@
@@
take_effect(...)
{
<...
- changes_undo(tree, told);
+ changes_undo(tree, 0);
...>
}
