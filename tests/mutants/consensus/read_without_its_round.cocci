// A leader answers a read on its role alone.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_quorum_confirms(...)
{
<...
- nodes > q.nodes - q.read
+ nodes > 0
...>
}
