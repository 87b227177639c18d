// A follower that is asked to lead waits until the leader is missed.
// killers: test_paxos_hand_over, scenarios
@@
@@
paxos_on_hand_over(...)
{
<...
- paxos_elected(p, p->election.mine);
...>
}
