// Decided is what the log has stored, although the tree has applied more.
// killers: test_log, test_log_disk
@@
@@
log_fit_to_tree(...)
{
<...
- if (applied > state->decided)
-         state->decided = applied;
...>
}
