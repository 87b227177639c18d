// A leader waits without end for a peer that promised the best log and died.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_pull_tick(...)
{
<...
- pull->idle_ticks < (patient ? PAXOS_PULL_SLOW_TICKS_MAX : PAXOS_PULL_TICKS_MAX)
+ 1
...>
}
