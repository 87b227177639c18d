// A slow peer is sent entries that were trimmed under it.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
ship_to(...)
{
<...
- peer->session.next < p->log.base
+ peer->session.next + 1 < p->log.base
...>
}
