// A new incarnation begins with the low mark of the old one: its first commands are stale.
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
session_begin(...)
{
<...
- session->lowest = 0;
...>
}
