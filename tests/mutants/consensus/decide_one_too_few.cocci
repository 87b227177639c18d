// Entries that W - 1 nodes have are chosen.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_decide(...)
{
<...
- largest[p->quorums.write - 1]
+ largest[p->quorums.write > 1 ? p->quorums.write - 2 : 0]
...>
}
