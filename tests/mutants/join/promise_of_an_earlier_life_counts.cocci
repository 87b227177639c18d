// What a node promised before it lost its folder is counted.
// killers: test_paxos_join, test_paxos_lives, scenarios
@@
@@
outlived(...)
{
<...
- peer->life < p->membership.lives[peer->rank]
+ 0
...>
}
