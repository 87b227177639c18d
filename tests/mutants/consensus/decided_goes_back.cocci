// The decided index is assigned from the leader's message: a new leader that knows less takes it
// back (trap 3).
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_decide_up_to(...)
{
<...
- if (decided > p->decided)
-         p->decided = decided;
+ p->decided = decided;
...>
}
