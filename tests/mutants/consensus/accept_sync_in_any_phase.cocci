// An AcceptSync is taken although the follower has left the prepare phase (trap 4).
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_on_accept_sync(...)
{
<...
- p->phase != PAXOS_PHASE_PREPARE || m->psid != f->prepare.psid || f->session.number != 0
+ m->psid != f->prepare.psid
...>
}
