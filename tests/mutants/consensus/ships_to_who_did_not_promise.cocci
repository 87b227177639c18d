// Entries are shipped to a peer before its AcceptSync.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
ship_to(...)
{
<...
- !peer->session.synced || peer->ballot.durable < peer->session.pull_end
+ peer->ballot.durable < peer->session.pull_end
...>
}
