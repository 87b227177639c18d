// Peers are looked up by their id as if ids were 1, 2, 3 (trap 9).
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_peer(...)
{
<...
- p->peers[i].pid == pid
+ i + 1 + (p->me <= i + 1) == pid
...>
}
