// Entries that a write replaces are not deleted first.
// killers: test_log, test_log_disk
@@
@@
log_db_put(...)
{
<...
- if (write->truncate)
-     status = log_db_cut(db, write->first);
...>
}
