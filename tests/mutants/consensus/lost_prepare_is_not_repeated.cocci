// Prepare is sent only once.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_leader_tick(...)
{
<...
- !peer->promise.given && ++peer->prepare.ticks >= PAXOS_RESEND_TICKS
+ 0
...>
}
