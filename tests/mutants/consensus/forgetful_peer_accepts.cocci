// What a peer that has forgotten acknowledges counts.
// killers: test_paxos_misfit
@@
@@
paxos_on_accepted(...)
{
<...
- m->decided > m->accepted || paxos_forgot(p, peer)
+ m->decided > m->accepted
...>
}
