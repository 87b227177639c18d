// How far a peer must have got in a sync of an earlier ballot holds back what it is sent in this
// one.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_sync_peer(...)
{
<...
- peer->sync_end = 0;
+ ;
...>
}
