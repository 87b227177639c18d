// A node that has caught up says that it has a quorum before its leader can know it.
// killers: test_paxos_join
@@
@@
has_quorum(...)
{
<...
- !paxos_is_member(p) || p->disk.durable.membership < p->standing_version
+ !paxos_is_member(p)
...>
}
