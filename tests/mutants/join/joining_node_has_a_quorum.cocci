// A node that is joining accepts proposals.
// killers: test_paxos_join, scenarios
@@
@@
has_quorum(...)
{
<...
- !paxos_is_member(p)
+ 0
...>
}
