// Entries are shipped while the peer still pulls the beginning of the round.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
ship_to(...)
{
<...
- !peer->synced || peer->acc < peer->sync_end
+ !peer->synced
...>
}
