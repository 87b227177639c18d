// A follower takes another follower's word for the leader's: a chain of unhappy nodes keeps itself
// content.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
happy_following(...)
{
<...
- paxos_ballot_compare(peer->heartbeat.ballot, p->election.leader) == 0
+ paxos_ballot_compare(peer->heartbeat.leader, p->election.leader) == 0
...>
}
