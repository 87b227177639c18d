// The Prepare that was answered is answered again, and a late AcceptSync of it comes in (trap 4).
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_on_prepare(...)
{
<...
- m->psid <= f->prepare.psid
+ m->psid < f->prepare.psid
...>
}
