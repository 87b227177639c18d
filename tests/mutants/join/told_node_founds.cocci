// A node that a member has told of its cluster founds it again.
// killers: test_paxos_join
@@
@@
may_found(...)
{
<...
- p->join.told_by_member
+ false
...>
}
