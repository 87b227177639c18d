// Entries are taken in whatever phase the follower is.
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
