// A read is confirmed by N - R nodes: a later leader may have had its promises from the others.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_quorum_confirms(...)
{
<...
- nodes > q.nodes - q.read
+ nodes >= q.nodes - q.read
...>
}
