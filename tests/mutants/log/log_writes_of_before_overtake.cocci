// A write is put before those that wait.
// killers: test_log, test_log_disk
@@
@@
log_write(...)
{
<...
- STAILQ_INSERT_TAIL(&log->waiting, item, next);
+ STAILQ_INSERT_HEAD(&log->waiting, item, next);
...>
}
