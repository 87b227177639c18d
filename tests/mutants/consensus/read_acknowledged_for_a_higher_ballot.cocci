// A probe of a leader that this node has not promised is acknowledged.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
check_leader(...)
{
<...
- order > 0
+ order > 0 && m->type != PAXOS_READ_PROBE
...>
}
