// A leader that has lost its quorum stays content.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
judge_round(...)
{
<...
- leading(p) ? happy_leading(p) : happy_following(p)
+ leading(p) || happy_following(p)
...>
}
