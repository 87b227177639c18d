// A reply to an earlier round's question takes the place of one to a later one's (trap 11).
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_on_heartbeat_reply(...)
{
<...
- (m->round > peer->heartbeat.asked_in || again) && m->round <= round
+ m->round <= round
...>
}
