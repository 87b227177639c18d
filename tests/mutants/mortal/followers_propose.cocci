// Every node proposes what is due.
// killers: test_mortals
@@
@@
may_propose(...)
{
<...
- r->status.role == PAXOS_LEADER
+ true
...>
}
