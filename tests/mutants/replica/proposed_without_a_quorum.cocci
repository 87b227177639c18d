// A leader that nobody follows proposes commands that may be refused later.
// killers: test_writes
@@
@@
writes_can_be_proposed(...)
{
<...
- r->status.has_leader && r->status.has_quorum && dates_now(r, time)
+ r->status.has_leader && dates_now(r, time)
...>
}
