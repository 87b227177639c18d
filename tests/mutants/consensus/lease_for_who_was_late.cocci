// A holder that writes waited for too long gets the next lease as soon as it has caught up.
// killers: test_paxos_lease
@@
@@
holds_up(...)
{
<...
- peer->lease.late_until = p->now + PAXOS_LEASE_PENALTY_US;
...>
}
