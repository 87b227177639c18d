// A late promise in the round that was taken over keeps its whole log, also what the leader did
// not take over.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
valid_prefix(...)
{
<...
- peer->promise.log_end < l->best_accepted ? peer->promise.log_end : l->best_accepted
+ peer->promise.log_end
...>
}
