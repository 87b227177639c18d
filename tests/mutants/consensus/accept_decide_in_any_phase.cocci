// Entries are taken in any phase of the follower.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
in_order(...)
{
<...
- if (p->phase != PAXOS_PHASE_ACCEPT)
-         return false;
...>
}
