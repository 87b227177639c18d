// The follower that lacks the most is asked to lead.
// killers: test_paxos_hand_over
@@
@@
successor(...)
{
<...
- peer->ballot.durable > best->ballot.durable
+ peer->ballot.durable < best->ballot.durable
...>
}
