// A candidate counts from the highest ballot that it would follow, not from the highest that others
// have promised.
// killers: test_paxos_election, scenarios
@@
@@
judge_round(...)
{
<...
- raise_ballot(p, highest_heard(p));
+ raise_ballot(p, e->leader);
...>
}
