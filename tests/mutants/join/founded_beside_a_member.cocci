// Nodes that have lost their folders found a cluster beside one that has not.
// killers: test_paxos_join
@@
@@
may_found(...)
{
<...
- peer->join_round != 0 && peer->join_standing == PAXOS_MEMBER
+ 0
...>
}
