// A pull does not remember that it has asked.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_pull_ask(...)
{
<...
- if (pull->asked)
-         return;
...>
}
