// log.db runs with synchronous=NORMAL: a power cut takes promises and accepted entries (trap 14).
// killers: test_log, test_log_disk, power
@@
@@
log_db_open(...)
{
<...
  sqlite3_wal_hook(db->sql.db, log_count_wal_pages, db);
+ sql_exec(&db->sql, "PRAGMA synchronous = NORMAL");
...>
}
