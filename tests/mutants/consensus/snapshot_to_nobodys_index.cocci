// A sync by snapshot names the index that the peer needs next, below the one that any node can
// serve.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_sync_peer(...)
{
<...
- m->first = p->log.base;
+ m->first = valid;
...>
}
