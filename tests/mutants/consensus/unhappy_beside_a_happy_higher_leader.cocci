// A leader without a quorum does not give way to a higher one that serves its peers: both raise
// their ballots in turn.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
happy_leading(...)
{
<...
- if (higher && peer->heartbeat.happy)
-         return true;
...>
}
