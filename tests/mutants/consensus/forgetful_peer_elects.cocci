// A peer that has forgotten counts again in the next ballot.
// killers: test_paxos_misfit
@@
@@
paxos_promise_fits(...)
{
<...
- if (paxos_forgot(p, peer))
-     return false;
...>
}
