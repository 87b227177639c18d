// The holder counts its lease from when the answer came.
// killers: test_paxos_lease, scenarios, sim
@@
@@
paxos_lease_take(...)
{
<...
- p->lease.asked_at
+ p->now
...>
}
