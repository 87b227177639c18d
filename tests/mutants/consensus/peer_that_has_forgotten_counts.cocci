// A peer that promises with less than it acknowledged is brought in line, and counts.
// killers: test_paxos_misfit
@@
@@
paxos_promise_fits(...)
{
<...
- forgets(p, peer, m)
+ false
...>
}
