// Among logs of the same round the first one is taken, not the longest.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
keep_best(...)
{
<...
- round > 0 || (round == 0 && m->accepted > l->best_accepted)
+ round > 0
...>
}
