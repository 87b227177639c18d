// A command is proposed before it is known what time it is.
// killers: test_dates
@@
@@
writes_propose(...)
{
<...
- (!all && !r->writes.unproposed) || !dates_now(r, &proposal.time)
+ (!all && !r->writes.unproposed) || (dates_now(r, &proposal.time), false)
...>
}
