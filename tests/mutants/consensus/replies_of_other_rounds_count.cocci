// The last reply of a peer counts however old it is.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
replied(...)
{
<...
- peer->heartbeat.counts_until != 0 && peer->heartbeat.counts_until >= p->election.round
+ peer->heartbeat.counts_until != 0
...>
}
