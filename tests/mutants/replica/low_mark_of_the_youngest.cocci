// The low mark is the youngest command that waits.
// killers: test_writes
@@
@@
write_new(...)
{
<...
- TAILQ_FIRST(&r->writes)
+ TAILQ_LAST(&r->writes, pending_writes)
...>
}
