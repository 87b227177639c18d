// A follower asks for a read index only once.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_read_tick(...)
{
<...
- request_under_way(p) && ++r->request_ticks >= PAXOS_RESEND_TICKS
+ 0
...>
}
