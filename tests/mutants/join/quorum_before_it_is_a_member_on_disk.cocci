// A node that has caught up says that it has a quorum before its leader can know it.
// killers: test_paxos_join
@@
@@
has_quorum(...)
{
<...
- !paxos_is_member(p) || p->disk.durable.membership < p->join.completed_in
+ !paxos_is_member(p)
...>
}
