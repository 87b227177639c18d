// The accept phase begins with as much of the best log as has come so far.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_pull_complete(...)
{
<...
- pull->first + pull->count == pull->end
+ pull->first + pull->count <= pull->end
...>
}
