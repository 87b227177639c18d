// A node with watches asks only when entries come, not when they are durable.
// killers: test_watches
@@
@@
reads_hasten(...)
{
<...
- r->status.accepted + r->status.durable
+ r->status.accepted
...>
}
