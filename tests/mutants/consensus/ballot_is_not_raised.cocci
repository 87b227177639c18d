// A candidate takes the number of the leader that it deposes.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
raise_ballot(...)
{
<...
- above.n + 1
+ above.n
...>
}
