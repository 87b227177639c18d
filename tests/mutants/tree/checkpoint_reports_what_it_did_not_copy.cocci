// A checkpoint that a reader held back reports its index all the same: the log is cut before the
// tree is durable (trap 9).
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
copy_round(...)
{
<...
- cp->reached |= backfilled >= cp->frames || backfilled == logged;
+ cp->reached = true;
...>
}
