// Writes are taken although another node has a different tree.
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
