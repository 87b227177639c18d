// A write counts as durable when the storage thread takes it, not when it is committed.
// killers: test_log, test_log_disk, power
@@
@@
log_take(...)
{
<...
- *ticket = item->write.ticket;
+ log->durable = *ticket = item->write.ticket;
...>
}
