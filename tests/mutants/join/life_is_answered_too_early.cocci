// A member answers before it is durable which life it was told of.
// killers: test_paxos_join, test_paxos_lives
@@
@@
paxos_join_output(...)
{
<...
- !paxos_membership_durable(p)
+ 0
...>
}
