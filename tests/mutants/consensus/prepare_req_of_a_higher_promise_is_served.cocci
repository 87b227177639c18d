// A peer that promised a higher ballot is prepared again and again.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_on_prepare_req(...)
{
<...
- paxos_ballot_compare(m->n, p->promise) > 0
+ paxos_ballot_compare(m->n, p->promise) > 1
...>
}
