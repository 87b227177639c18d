// The changes of the previous entry are told again.
// killers: test_tree_changes
@@
@@
tree_apply(...)
{
<...
- changes_forget(...);
...>
}
