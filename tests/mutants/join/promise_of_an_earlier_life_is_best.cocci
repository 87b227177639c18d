// The log of a node that has lost it since is taken for the best.
// killers: test_paxos_join, test_paxos_lives, scenarios, sim
@@
@@
paxos_on_promise(...)
{
<...
- m->psid != peer->prepare.psid || life < paxos_life_of(p, peer->pid)
+ m->psid != peer->prepare.psid
...>
}
