// A candidate does not check whether it has promised a higher ballot.
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
