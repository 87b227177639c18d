// A tree that is ahead of the log leaves a gap between what is applied and where the log goes on.
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
