// What a node promised before it lost its folder is counted.
// killers: test_paxos_join, scenarios
@@
@@
outlived(...)
{
<...
- peer->life < p->membership.lives[peer->rank]
+ 0
...>
}
