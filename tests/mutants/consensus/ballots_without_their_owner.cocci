// Ballots of equal number and priority are equal, even if they have different owners.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_ballot_compare(...)
{
<...
- return a.pid < b.pid ? -1 : a.pid > b.pid;
+ return 0;
...>
}
