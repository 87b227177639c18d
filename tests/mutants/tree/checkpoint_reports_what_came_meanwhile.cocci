// A checkpoint reports what is applied when it ends, not what was committed when it began (trap
// 9).
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
checkpoint_after(...)
{
<...
- tree->durable = cp->index;
+ tree->durable = tree->counters.applied;
...>
}
