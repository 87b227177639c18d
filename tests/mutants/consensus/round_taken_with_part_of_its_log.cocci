// A follower takes the round for its own when it has the first message of the sync: a later leader
// prefers its shorter log to a longer earlier one.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
least_sync(...)
{
<...
- in_round ? 0 : p->leader.sync_end
+ 0
...>
}
