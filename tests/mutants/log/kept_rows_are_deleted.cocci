// Void entries are deleted although a node with a slow line still has to fetch them.
// killers: test_log, test_fetching
@@
@@
log_db_dead_end(...)
{
<...
- return db->keep < db->state.compacted ? db->keep : db->state.compacted;
+ return db->state.compacted;
...>
}
