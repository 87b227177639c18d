// A node is let in by answers to the first question, before its life is known to them.
// killers: test_paxos_join, test_paxos_lives, scenarios, sim
@@
@@
judge_members(...)
{
<...
- life > 0 && p->join.known_life == life
+ 1
...>
}
