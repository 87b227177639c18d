// The tree goes on after a view has found damage.
// killers: test_tree_view
@@
@@
tree_break(...)
{
<...
- tree->viewed->broken = status;
...>
}
