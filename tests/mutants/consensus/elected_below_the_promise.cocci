// A candidate does not look whether it has promised somebody higher.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_elected(...)
{
<...
- if (paxos_ballot_compare(ballot, p->promise) <= 0)
-         return;
...>
}
