// A leader that reaches only a peer that has forgotten says that it has a quorum.
// killers: test_paxos_misfit
@@
@@
voter(...)
{
<...
- !paxos_forgot(p, peer)
+ true
...>
}
