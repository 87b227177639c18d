// A snapshot takes the tree's place before it is on disk.
// killers: test_tree_once, test_tree_snapshot, test_tree_random, power
@@
@@
writer_prepare(...)
{
<...
- w->status = incoming_sync(w->tree->folder);
+ w->status = 0;
...>
}
