// Nodes that have lost their folders found a cluster beside one that has not.
// killers: test_paxos_join
@@
@@
may_found(...)
{
<...
- peer->join.round != 0 && peer->join.standing == PAXOS_MEMBER
+ 0
...>
}
