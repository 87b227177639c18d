// An answer counts that was given by a node that has lost its folder since.
// killers: test_paxos_join, test_paxos_lives
@@
@@
answered_as(...)
{
<...
- peer->join.life >= paxos_life_of(p, peer->pid)
+ 1
...>
}
