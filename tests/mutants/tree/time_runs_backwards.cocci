// A proposer with a slow clock takes the state's time back.
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
time_of(...)
{
<...
- proposed > tree->counters.last_time ? proposed : tree->counters.last_time + 1
+ proposed
...>
}
