// What a peer that has forgotten acknowledges counts.
// killers: test_paxos_misfit
@@
@@
paxos_on_accepted(...)
{
<...
- paxos_forgot(p, peer)
+ false
...>
}
