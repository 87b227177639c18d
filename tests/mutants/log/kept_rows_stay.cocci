// Void entries that nobody fetches any more stay in the file.
// killers: test_log
@@
@@
log_db_dead_end(...)
{
<...
- return db->keep < db->state.compacted ? db->keep : db->state.compacted;
+ return db->keep < db->state.compacted ? 0 : db->state.compacted;
...>
}
