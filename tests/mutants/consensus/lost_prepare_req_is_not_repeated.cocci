// A follower that lost its session asks only once to be prepared.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_follower_tick(...)
{
<...
- p->phase == PAXOS_PHASE_RECOVER
+ 0
...>
}
