// Time comes back where nodes of an earlier version let it go on: their trees differ.
// killers: test_tree_times, test_tree_random
@@
@@
time_of(...)
{
<...
- tree->cluster.level >= LEVEL_TIMES && last > proposed && last - proposed > TIME_BACK_MAX
+ last > proposed && last - proposed > TIME_BACK_MAX
...>
}
