// A log that ends before its decided index is believed.
// killers: test_log, test_log_disk
@@
@@
log_read_entries(...)
{
<...
- status == 0 && db->state.decided > db->state.compacted + stored->entry_count
+ 0
...>
}
