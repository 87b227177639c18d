// A log without its WAL is opened as it was when that was written back last.
// killers: test_log_wal
@@
@@
log_db_has_lost_wal(...)
{
<...
- log_db_size(folder, "log.db-wal") < LOG_WAL_BYTES
+ 0
...>
}
