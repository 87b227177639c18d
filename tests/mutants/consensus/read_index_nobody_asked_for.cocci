// An answer to a read that was not asked for, perhaps one of an earlier life, confirms reads to
// come.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_on_read_index(...)
{
<...
- m->read <= p->reads.asked && m->read > p->reads.ready
+ m->read > p->reads.ready
...>
}
