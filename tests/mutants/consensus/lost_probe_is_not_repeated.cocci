// A probe is sent only once.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_read_tick(...)
{
<...
- !paxos_leads(p) || !r->probing || ++r->probe_ticks < PAXOS_RESEND_TICKS
+ 1
...>
}
