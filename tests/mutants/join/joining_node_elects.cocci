// A node that is joining helps another to be elected, which it cannot follow.
// killers: test_paxos_join, test_paxos_lives, scenarios
@@
@@
counts(...)
{
<...
- standing == PAXOS_MEMBER || needed
+ 1
...>
}
