// One entry that a write replaces is left.
// killers: test_log, test_log_disk
@@
@@
log_db_put(...)
{
<...
- log_db_cut(db, write->first)
+ log_db_cut(db, write->first + 1)
...>
}
