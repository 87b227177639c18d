// A piece of a suffix that was lost is not asked for again.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
repeat(...)
{
<...
- pull->asked = false;
+ ;
...>
}
