// A node that starts again keeps its locks.
// killers: test_tree_locks
@@
@@
session_begin(...)
{
<...
- status = locks_end_session(c, session->node);
...>
}
