// A hole in the log is not noticed when it is read.
// killers: test_log, test_log_disk
@@
@@
log_read_entries(...)
{
<...
- index != db->state.compacted + stored->entry_count
+ index < db->state.compacted
...>
}
