// An acknowledgement of an earlier ballot counts in this one.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_on_accepted(...)
{
<...
- !paxos_leads(p) || paxos_ballot_compare(m->n, p->promise) != 0
+ !paxos_leads(p)
...>
}
