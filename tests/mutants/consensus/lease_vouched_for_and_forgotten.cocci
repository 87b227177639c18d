// A node that acknowledges a probe does not remember that it vouched for leases.
// killers: test_paxos_lease, scenarios, sim
@@
@@
paxos_lease_vouch(...)
{
<...
- raise_to(&p->lease.vouched_until, p->now + longer(time));
...>
}
