// A node whose log is not in line yet undoes the work of the leader that asks it.
// killers: test_paxos_hand_over
@@
@@
paxos_on_hand_over(...)
{
<...
- !paxos_is_member(p) || p->phase != PAXOS_PHASE_ACCEPT
+ !paxos_is_member(p)
...>
}
