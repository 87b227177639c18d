// Nodes found a cluster that need not have been new at the same moment.
// killers: test_paxos_join, test_paxos_lives, scenarios
@@
@@
fresh_since_before(...)
{
<...
- peer->join.folder_round != p->join.round
+ 1
...>
}
