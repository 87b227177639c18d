// The log could not be written, and the node goes on (trap 13).
// killers: test_replica
@@
@@
on_log_failed(...)
{
<...
- replica_break(arg, text, status);
...>
}
