// A node does not hear that its session has ended.
// killers: test_tree_locks
@@
@@
locks_end_session(...)
{
<...
- changes_add(c, &(struct tree_change){.kind = CHANGE_SESSION_ENDED, .node = node});
...>
}
