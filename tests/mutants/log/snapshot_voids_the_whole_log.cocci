// After a crash the entries beyond an installed snapshot are thrown away, although they were
// accepted (trap 1).
// killers: test_log, test_log_disk
@@
@@
log_cut_below(...)
{
<...
- uint64_t end = db->state.compacted + stored->entry_count;
- uint64_t void_ones = snapshot - db->state.compacted;
+ uint64_t end = db->state.compacted + stored->entry_count;
+ uint64_t void_ones = stored->entry_count;
...>
}
