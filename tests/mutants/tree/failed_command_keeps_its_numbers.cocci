// The counters are not taken back when a command fails: after a restart they differ.
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
take_effect(...)
{
<...
- tree->counters = before;
...>
}
