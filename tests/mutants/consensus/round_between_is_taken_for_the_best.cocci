// A late promise of a round above the one that was taken over is treated as if it were that one
// (exact against at least).
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
valid_prefix(...)
{
<...
- paxos_ballot_compare(peer->promise.acc_round, l->best_acc_round) == 0
+ paxos_ballot_compare(peer->promise.acc_round, l->best_acc_round) >= 0
...>
}
