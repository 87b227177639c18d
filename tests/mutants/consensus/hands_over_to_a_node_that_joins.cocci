// The follower that is asked to lead may not be one that can be elected.
// killers: test_paxos_hand_over
@@
@@
successor(...)
{
<...
- peer->heartbeat.standing == PAXOS_MEMBER
+ true
...>
}
