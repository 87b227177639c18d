// The first live row is taken for a dead one.
// killers: test_log, test_log_disk
@@
expression E;
@@
log_db_trim(...)
{
<...
- sqlite3_bind_int64(dead, 1, E);
+ sqlite3_bind_int64(dead, 1, E + 1);
...>
}
