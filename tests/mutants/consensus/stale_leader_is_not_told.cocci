// Messages of a leader below the promise are dropped silently: it never learns that it is deposed.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
check_leader(...)
{
<...
- paxos_send(p, PAXOS_NOT_ACCEPTED, m->from)->n = p->promise;
+ ;
...>
}
