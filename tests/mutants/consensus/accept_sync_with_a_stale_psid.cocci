// An AcceptSync of an earlier Prepare is taken for the awaited one (trap 4).
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_on_accept_sync(...)
{
<...
- p->phase != PAXOS_PHASE_PREPARE || m->psid != f->prepare.psid || f->session.number != 0
+ p->phase != PAXOS_PHASE_PREPARE || f->session.number != 0
...>
}
