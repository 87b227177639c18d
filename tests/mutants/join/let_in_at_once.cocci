// A node is let in by answers to its first question, before the others know its life.
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
