// A node that is joining stands for election.
// killers: test_paxos_join, test_paxos_lives, scenarios, sim
@@
@@
judge_round(...)
{
<...
- !paxos_is_member(p)
+ 0
...>
}
