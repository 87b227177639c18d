// The leader does not remember, for its promise to another, what it granted.
// killers: test_paxos_lease, scenarios, sim
@@
@@
paxos_lease_grant(...)
{
<...
- raise_to(&p->lease.vouched_until, peer->lease.until);
...>
}
