// Nothing wakes the leader at the end of the lease that a decision waits for.
// killers: test_paxos_lease
@@
@@
paxos_wake_at(...)
{
<...
- p->wake_at = time;
...>
}
