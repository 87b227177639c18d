// A view goes on reading the file that was replaced.
// killers: test_tree_snapshot
@@
@@
replace_tree(...)
{
<...
- views_end(tree);
...>
}
