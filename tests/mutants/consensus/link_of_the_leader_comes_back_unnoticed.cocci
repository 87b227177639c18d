// A connection to the leader that comes back is no reason to be prepared again.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
link_up(...)
{
<...
- p->role == PAXOS_FOLLOWER && p->promise.pid == peer->pid
+ 0
...>
}
