// A node submits more than the tree keeps results for.
// killers: test_writes
@@
@@
writes_refusal(...)
{
<...
- span >= REPLICA_PENDING_MAX || r->writes.bytes + command->bytes.len > REPLICA_PENDING_BYTES_MAX
+ r->writes.bytes + command->bytes.len > REPLICA_PENDING_BYTES_MAX
...>
}
