// A node that knows nothing yet promises.
// killers: test_paxos_join, scenarios, sim
@@
@@
check_leader(...)
{
<...
- p->membership.standing == PAXOS_FRESH
+ 0
...>
}
