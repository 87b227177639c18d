// Writes are taken although somebody has another tree.
// killers: test_writes
@@
@@
writes_refusal(...)
{
<...
- replica_has_quorum(r)
+ r->status.has_quorum
...>
}
