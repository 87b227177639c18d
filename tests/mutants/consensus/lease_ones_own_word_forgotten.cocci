// A new leader waits for the leases that others vouched for, and not for its own word.
// killers: test_paxos_lease, scenarios, sim
@@
@@
paxos_lease_elected(...)
{
<...
- p->lease.vouched_until
+ 0
...>
}
