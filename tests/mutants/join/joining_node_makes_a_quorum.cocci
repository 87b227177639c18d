// A node counts one that is joining for the quorum that it says to have.
// killers: test_paxos_join, test_paxos_lives, scenarios
@@
@@
has_quorum(...)
{
<...
- !paxos_alive(p, peer) || peer->heartbeat.standing != PAXOS_MEMBER
+ !paxos_alive(p, peer)
...>
}
