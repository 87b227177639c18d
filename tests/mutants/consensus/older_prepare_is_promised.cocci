// A Prepare below the promise is answered with a promise.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_on_prepare(...)
{
<...
- order < 0
+ order < -1
...>
}
