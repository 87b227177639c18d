// The incarnation is the clock: a clock that was set back gives one that was used.
// killers: test_log, test_log_disk
@@
@@
log_db_next_incarnation(...)
{
<...
- db->state.incarnation + LOG_INCARNATION_STEP
+ now_ns
...>
}
