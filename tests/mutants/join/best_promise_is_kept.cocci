// A leader waits for the log of a node that has lost it.
// killers: test_paxos_join, test_paxos_lives
@@
@@
paxos_learn_life(...)
{
<...
- best_is_gone && p->role == PAXOS_LEADER && p->phase == PAXOS_PHASE_PREPARE
+ 0
...>
}
