// A peer that promised another ballot is not marked: it is prepared again and again.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
refused(...)
{
<...
- peer->ballot.refused = true;
...>
}
