// The low mark in the stamp is not looked at: results are kept until the window is full.
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
session_enter(...)
{
<...
- session_raise(session, stamp->lowest);
...>
}
