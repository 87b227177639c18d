// Closing the log does not wait for queued writes.
// killers: test_log, test_log_disk
@@
@@
log_take(...)
{
<...
- !STAILQ_EMPTY(batch) || !log->stopping
+ !log->stopping
...>
}
