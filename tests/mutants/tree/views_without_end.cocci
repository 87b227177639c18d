// Views keep the WAL in use for ever.
// killers: test_tree_view
@@
@@
checkpoint_before(...)
{
<...
- views_end(tree);
+ ;
...>
}
