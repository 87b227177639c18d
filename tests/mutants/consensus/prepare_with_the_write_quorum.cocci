// The quorums are mixed up: W promises end the prepare phase.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_count_promises(...)
{
<...
- promise_count(p) < p->quorums.read
+ promise_count(p) < p->quorums.write
...>
}
