// The low mark is the youngest command that waits.
// killers: test_writes
@@
@@
writes_make(...)
{
<...
- TAILQ_FIRST(&r->writes.by_age)
+ TAILQ_LAST(&r->writes.by_age, pending_writes)
...>
}
