// A sync is made from the log although the log begins later.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_sync_peer(...)
{
<...
- valid < p->log.base
+ valid + 1 < p->log.base
...>
}
