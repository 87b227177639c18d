// An acknowledgement of more than the leader has is believed.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_on_accepted(...)
{
<...
- m->accepted > p->log.end || m->decided > m->accepted
+ m->decided > m->accepted
...>
}
