// A snapshot is installed without being checked.
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
writer_prepare(...)
{
<...
- w->status = writer_check(w);
+ w->status = 0;
...>
}
