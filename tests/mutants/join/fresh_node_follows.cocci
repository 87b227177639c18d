// A node that knows nothing yet promises.
// killers: test_paxos_join, test_paxos_lives, scenarios, sim
@@
@@
check_leader(...)
{
<...
- p->membership.standing == PAXOS_FRESH
+ 0
...>
}
