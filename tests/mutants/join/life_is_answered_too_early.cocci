// A member answers before the life that it was told of is durable.
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
