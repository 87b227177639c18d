// A request counts as an acknowledgement of a ballot that its sender has not promised, or has left.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
expression e;
@@
paxos_on_read_request(...)
{
<...
- if (paxos_ballot_compare(m->n, p->promise) == 0)
-     peer->reads.vouched = e;
+ peer->reads.vouched = e;
...>
}
