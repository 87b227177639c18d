// A tree is taken for one of an earlier version.
// killers: test_tree_shrink
@@
@@
shrink_open(...)
{
<...
- mode == INCREMENTAL
+ false
...>
}
