// A restarted node says that it has vouched for nothing.
// killers: test_paxos_lease, scenarios, sim
@@
@@
paxos_lease_start(...)
{
<...
- p->lease.vouched_until = p->now + longer(PAXOS_LEASE_US_MAX);
...>
}
