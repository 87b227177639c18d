// A peer that follows another leader is said to know more than this one.
// killers: test_paxos_misfit
@@
@@
beyond_mine(...)
{
<...
- !peer->ballot.refused
+ true
...>
}
