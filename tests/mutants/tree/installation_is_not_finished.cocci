// An installation that was decided before a crash is not finished at the next start.
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
tree_open(...)
{
<...
- incoming_settle(folder, fault)
+ 0
...>
}
