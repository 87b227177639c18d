// A peer that knows more to be decided than the leader has is synchronised all the same.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_sync_peer(...)
{
<...
- valid > p->log.end
+ false
...>
}
