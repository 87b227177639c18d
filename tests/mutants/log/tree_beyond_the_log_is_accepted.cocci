// A tree that is ahead of the log leaves a gap between its applied index and the next entry of the
// log.
// killers: test_log, test_log_disk
@@
expression e;
@@
log_fit_to_tree(...)
{
<...
- if (applied > state->compacted + stored->entry_count)
-         return e;
...>
}
