// The window counts the commands that wait, not the span of their sequences.
// killers: test_writes
@@
@@
writes_refusal(...)
{
<...
- oldest ? r->writes.next_sequence - oldest->sequence : 0
+ r->writes.count
...>
}
