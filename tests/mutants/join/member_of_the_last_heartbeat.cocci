// A leader counts a node that has caught up only after its next heartbeat.
// killers: test_paxos_join
@@
@@
paxos_on_accepted(...)
{
<...
- peer->heartbeat.standing = PAXOS_MEMBER;
+ ;
...>
}
