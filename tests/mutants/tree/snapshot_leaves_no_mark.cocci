// An installed snapshot leaves no mark for the log: after a crash void entries are believed.
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
writer_prepare(...)
{
<...
- w->status = writer_mark(w);
+ w->status = 0;
...>
}
