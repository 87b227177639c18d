// A sync that begins beyond the end of the log is believed.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_on_accept_sync(...)
{
<...
- m->first <= p->log.end
+ m->first <= p->log.end + 1
...>
}
