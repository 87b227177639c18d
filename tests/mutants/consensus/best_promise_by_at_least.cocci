// A promise as good as the best so far replaces it, though it comes without a sync.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
keep_best(...)
{
<...
- m->accepted > l->best_accepted
+ m->accepted >= l->best_accepted
...>
}
