// What the entry before changed is told again.
// killers: test_tree_changes
@@
@@
tree_apply(...)
{
<...
- changes_forget(...);
...>
}
