// Room is given back on a disk that has none for the WAL.
// killers: test_tree_shrink
@@
@@
may_shrink(...)
{
<...
- !tree->tight
+ true
...>
}
