// The sequence is not raised when a command is taken: the next one is taken for its repetition.
// killers: test_writes
@@
@@
writes_take(...)
{
<...
- r->writes.next_sequence++;
...>
}
