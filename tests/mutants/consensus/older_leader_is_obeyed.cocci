// Messages of a leader below the promise are carried out.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
check_leader(...)
{
<...
- order < 0
+ order < -1
...>
}
