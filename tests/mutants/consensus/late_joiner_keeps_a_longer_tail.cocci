// A peer whose late promise is of the round that was taken over keeps its whole log, including a
// tail that the leader did not take over.
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
