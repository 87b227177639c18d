// A promise is sent once; the Prepare that comes again is an answered one.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_follower_tick(...)
{
<...
- f->promise_due = true;
+ ;
...>
}
