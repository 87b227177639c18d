// Messages of a leader above the promise are carried out before it was promised (at least against
// exact).
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
check_leader(...)
{
<...
- order > 0
+ order > 1
...>
}
