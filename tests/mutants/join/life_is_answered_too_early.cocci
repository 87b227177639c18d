// A member answers before it is durable which life it was told of.
// killers: test_paxos_join
@@
@@
paxos_join_output(...)
{
<...
- !paxos_membership_durable(p)
+ 0
...>
}
