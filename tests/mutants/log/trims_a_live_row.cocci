// One row too many is deleted when the log is trimmed.
// killers: test_log, test_log_disk
@@
@@
log_db_trim(...)
{
<...
- uint64_t last = log_db_dead_end(db) - 1;
+ uint64_t last = log_db_dead_end(db);
...>
}
