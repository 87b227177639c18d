// The leader counts its own lease from when its probe was acknowledged.
// killers: test_paxos_lease, scenarios, sim
@@
@@
paxos_lease_take_own(...)
{
<...
- p->lease.probed_at
+ p->now
...>
}
