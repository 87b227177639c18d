// A node counts one that is joining for the quorum that it says to have.
// killers: test_paxos_join, test_paxos_lives, scenarios
@@
@@
voter(...)
{
<...
- peer->heartbeat.standing == PAXOS_MEMBER
+ true
...>
}
