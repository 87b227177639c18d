// When the leader promises to another, it does not report the leases that it granted.
// killers: test_paxos_lease, scenarios, sim
@@
@@
paxos_lease_grant(...)
{
<...
- raise_to(&p->lease.vouched_until, peer->lease.until);
...>
}
