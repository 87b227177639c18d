// A candidate counts from its own last ballot, not from the highest it knows.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
judge_round(...)
{
<...
- raise_ballot(p, highest_heard(p));
+ raise_ballot(p, e->mine);
...>
}
