// A lower level takes the place of a higher one.
// killers: test_tree_cluster
@@
@@
op_level(...)
{
<...
- if (out->existed)
-     return 0;
...>
}
