// The last command of the window is refused: its node waits without end.
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
session_enter(...)
{
<...
- stamp->sequence - session->lowest >= TREE_SESSION_WINDOW
+ stamp->sequence - session->lowest >= TREE_SESSION_WINDOW - 1
...>
}
