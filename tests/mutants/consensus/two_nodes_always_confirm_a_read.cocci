// A leader and one follower answer for five nodes: the other three may have another leader.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
answer_vouched(...)
{
<...
- if (!paxos_quorum_confirms(p->quorums, 2)) return;
...>
}
