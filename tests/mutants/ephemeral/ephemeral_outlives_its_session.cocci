// The end of a session leaves its files.
// killers: test_tree_ephemeral
@@
@@
locks_end_session(...)
{
<...
- status = ephemerals_end(c, node);
...>
}
