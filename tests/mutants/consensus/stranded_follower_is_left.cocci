// A follower on the promise of a candidate that died stays there, while the lower leader is happy
// (trap 10).
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
judge_round(...)
{
<...
- judge_stranded(p);
+ ;
...>
}
