// A new leader decides at once, though promises say that a lease of an earlier ballot may run.
// killers: test_paxos_lease, scenarios, sim
@@
@@
paxos_lease_limit(...)
{
<...
- p->now < p->lease.wait_until
+ 0
...>
}
