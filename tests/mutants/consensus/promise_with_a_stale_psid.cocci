// An answer to an earlier Prepare of the same ballot is taken for one to the last.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_on_promise(...)
{
<...
- !mine || m->psid != peer->psid || peer->answered
+ !mine || peer->answered
...>
}
