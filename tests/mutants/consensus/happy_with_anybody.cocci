// A follower is content when any node is, not only its leader.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
happy_following(...)
{
<...
- replied(p, peer) && peer->heartbeat.happy &&
-             paxos_ballot_compare(peer->heartbeat.ballot, p->election.leader) == 0
+ replied(p, peer) && peer->heartbeat.happy
...>
}
