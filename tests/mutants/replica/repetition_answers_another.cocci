// A result answers the oldest command that waits, not the one with its sequence.
// killers: test_writes
@@
@@
writes_complete(...)
{
<...
- writes_find(r, sequence)
+ TAILQ_FIRST(&r->writes.by_age)
...>
}
