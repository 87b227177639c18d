// One member is enough to let a node in.
// killers: test_paxos_join, test_paxos_lives, scenarios
@@
@@
paxos_members_needed(...)
{
<...
- larger_quorum(p) < p->peer_count ? larger_quorum(p) : p->peer_count
+ 1
...>
}
