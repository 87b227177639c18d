// A node that ended before its WAL had its length cannot start any more.
// killers: test_log_wal
@@
@@
log_db_has_lost_wal(...)
{
<...
- log_db_size(folder, "log.db") > SEAL_PAGE_BYTES && log_db_size(folder, "log.db-wal") < LOG_WAL_BYTES
+ log_db_size(folder, "log.db-wal") < LOG_WAL_BYTES
...>
}
