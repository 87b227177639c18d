// A failed write is not reported: the node goes on in memory (trap 13).
// killers: test_replica, test_log_disk
@@
@@
log_reported(...)
{
<...
- log->callbacks.failed(log->callbacks.arg, status, log->db.sql.fault.text);
...>
}
