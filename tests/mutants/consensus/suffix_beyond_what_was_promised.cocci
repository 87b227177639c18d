// A leader answers a pull with its whole log, not with the part that belongs to the sync.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_on_suffix_req(...)
{
<...
- leader ? peer->session.next : p->log.end
+ p->log.end
...>
}
