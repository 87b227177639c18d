// After a crash the entries below an installed snapshot are believed, although they may never have
// been decided.
// killers: test_log, test_log_disk
@@
@@
log_fit_to_tree(...)
{
<...
- snapshot > state->compacted ? log_cut_below(db, snapshot, stored) : 0
+ 0
...>
}
