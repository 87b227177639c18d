// The incarnation is not stored before it is used.
// killers: test_log, test_log_disk
@@
@@
log_db_next_incarnation(...)
{
<...
- sql_run(&db->sql, set)
+ 0
...>
}
