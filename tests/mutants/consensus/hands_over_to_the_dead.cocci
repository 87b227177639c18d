// The follower that is asked to lead may be gone.
// killers: test_paxos_hand_over
@@
@@
successor(...)
{
<...
- paxos_alive(p, peer) && peer->session.synced
+ peer->session.synced
...>
}
