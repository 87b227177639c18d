// A view does not see what was applied, but not committed yet.
// killers: test_tree_view
@@
@@
tree_view_open(...)
{
<...
- int status = tree_commit(tree);
+ int status = 0;
...>
}
