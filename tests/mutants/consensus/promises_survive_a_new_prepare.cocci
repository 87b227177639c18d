// The phase starts over, and the earlier promises still count although their logs were thrown away.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_prepare_all(...)
{
<...
- p->peers[i].ballot.votes = false;
...>
}
