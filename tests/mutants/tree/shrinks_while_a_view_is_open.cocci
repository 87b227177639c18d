// Room is given back while a view keeps the WAL in use.
// killers: test_tree_shrink
@@
expression E;
@@
may_shrink(...)
{
<...
- E && LIST_EMPTY(&tree->views)
+ E
...>
}
