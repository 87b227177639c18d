// A tree that is older than the beginning of the log is accepted.
// killers: test_log, test_log_disk
@@
@@
log_fit_to_tree(...)
{
<...
- applied < state->compacted
+ applied + 1 < state->compacted
...>
}
