// A promise that a node made before it lost its folder is counted.
// killers: test_paxos_join, test_paxos_lives, scenarios
@@
@@
outlived(...)
{
<...
- peer->ballot.life < paxos_life_of(p, peer->pid)
+ 0
...>
}
