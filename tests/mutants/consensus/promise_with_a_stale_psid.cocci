// An answer to an earlier Prepare of the same ballot is taken for one to the last.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_on_promise(...)
{
<...
- m->psid != peer->prepare.psid || life < paxos_life_of(p, peer->pid)
+ life < paxos_life_of(p, peer->pid)
...>
}
