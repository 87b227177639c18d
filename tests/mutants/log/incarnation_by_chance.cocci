// The incarnation is drawn: one may be lower than one that was used, or the same.
// killers: test_log, test_log_disk
@@
@@
log_db_next_incarnation(...)
{
<...
- db->state.incarnation + LOG_INCARNATION_STEP
+ 1 + random() % 2
...>
}
