// What an undone list had changed is told.
// killers: test_tree_changes
@@
@@
take_effect(...)
{
<...
- changes_forget(...);
...>
}
