// A node raises its ballot although a peer is content with its leader: leaders change without end.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
nobody_happy(...)
{
<...
- if (replied(p, &p->peers[i]) && p->peers[i].heartbeat.happy)
-         return false;
+ ;
...>
}
