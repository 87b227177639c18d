// Ballots are compared by priority first: a low ballot of a preferred node beats the promise.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_ballot_compare(...)
{
<...
- a.n != b.n
+ a.n != b.n && a.priority == b.priority
...>
}
