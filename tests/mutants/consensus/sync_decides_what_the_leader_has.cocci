// A follower takes everything in a sync for decided.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_sync_complete(...)
{
<...
- paxos_decide_up_to(p, f->session.sync_decided);
+ paxos_decide_up_to(p, p->log.end);
...>
}
