// The root of a new tree is the leader's.
// killers: test_levels
@@
@@
propose_level(...)
{
<...
- bool is_mine = founds ? r->cluster.members[0].pid == r->cluster.me : r->status.role == PAXOS_LEADER;
+ bool is_mine = r->status.role == PAXOS_LEADER;
...>
}
