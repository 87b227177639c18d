// The low mark is the youngest command that waits.
// killers: test_writes
@@
@@
write_new(...)
{
<...
- TAILQ_FIRST(&r->writes.by_age)
+ TAILQ_LAST(&r->writes.by_age, pending_writes)
...>
}
