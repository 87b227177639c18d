// A peer that the log just reaches is sent to fetch a snapshot that it has.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_sync_peer(...)
{
<...
- valid < p->log.base
+ valid <= p->log.base
...>
}
