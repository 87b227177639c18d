// A peer that has joined with an empty folder still counts as one that has forgotten.
// killers: test_paxos_misfit
@@
@@
paxos_forgot(...)
{
<...
- peer->misfit.forgot && paxos_life_of(p, peer->pid) <= peer->misfit.forgot_life
+ peer->misfit.forgot
...>
}
