// A node that is joining accepts proposals.
// killers: test_paxos_join, test_paxos_lives, scenarios
@@
@@
has_quorum(...)
{
<...
- !paxos_is_member(p) || p->disk.durable.membership < p->join.completed_in
+ 0
...>
}
