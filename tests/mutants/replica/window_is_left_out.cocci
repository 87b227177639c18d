// All that waits is proposed at once: the queues of links overflow, and each change of leader sends
// everything again.
// killers: test_writes
@@
@@
window_has_room(...)
{
<...
- r->writes.proposed_bytes + w->entry->len <= r->writes.window
+ true
...>
}
