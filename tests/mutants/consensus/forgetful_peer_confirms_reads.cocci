// A peer that has forgotten confirms that this node leads.
// killers: test_paxos_misfit
@@
@@
paxos_on_read_ack(...)
{
<...
- paxos_ballot_compare(m->n, p->promise) != 0 || paxos_forgot(p, peer)
+ paxos_ballot_compare(m->n, p->promise) != 0
...>
}
