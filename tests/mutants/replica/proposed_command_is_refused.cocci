// A command that was proposed is refused with "nothing has happened" when the quorum is lost.
// killers: test_writes
@@
@@
writes_refuse_unproposed(...)
{
<...
- w = r->writes.next_new
+ w = r->writes.by_age.tqh_first
...>
}
