// A node takes a sync that was meant for its earlier life.
// killers: test_paxos_join, test_paxos_lives, scenarios, sim
@@
@@
paxos_on_accept_sync(...)
{
<...
- m->life != paxos_life(p) || m->standing != p->membership.standing
+ 0
...>
}
