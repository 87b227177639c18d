// A duplicate Promise starts another session, and so on (trap 5).
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_on_promise(...)
{
<...
- !mine || peer->promise.given
+ !mine
...>
}
