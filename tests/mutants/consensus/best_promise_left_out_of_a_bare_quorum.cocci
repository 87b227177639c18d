// A better promise that needs a snapshot is left out although the others are one short of R.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
can_do_without(...)
{
<...
- promise_count(p) > p->quorums.read
+ promise_count(p) >= p->quorums.read
...>
}
