// A read that was asked of a leader is not asked of the next one.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
request_under_way(...)
{
<...
- r->requested > r->ready && paxos_ballot_compare(r->requested_of, p->promise) == 0
+ r->requested > r->ready
...>
}
