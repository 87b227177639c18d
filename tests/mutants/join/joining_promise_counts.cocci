// The promise of a node that is joining is counted like any other.
// killers: test_paxos_join, test_paxos_lives, scenarios, sim
@@
@@
take_promise(...)
{
<...
- m->standing == PAXOS_MEMBER
+ 1
...>
}
