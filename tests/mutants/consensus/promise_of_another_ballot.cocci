// A promise is believed whatever ballot it is for.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_on_promise(...)
{
<...
- p->role == PAXOS_LEADER && paxos_ballot_compare(m->n, p->promise) == 0
+ p->role == PAXOS_LEADER
...>
}
