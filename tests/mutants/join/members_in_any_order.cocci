// The two ends of a link number the members differently.
// killers: test_paxos_join, test_log_membership
@@
@@
paxos_membership_of(...)
{
<...
- at > 0 && membership.members[at - 1].pid > pids[i]
+ 0
...>
}
