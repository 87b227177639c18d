// An acknowledgement counts for any ballot, although numbers of probes begin anew with each start.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_on_read_ack(...)
{
<...
- !current || !paxos_leads(p) || paxos_ballot_compare(m->n, p->promise) != 0
+ !current || !paxos_leads(p)
...>
}
