// A PrepareReq, perhaps a late one, makes the leader forget that the peer promised, and nothing
// more (trap 6).
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_on_prepare_req(...)
{
<...
- paxos_prepare_peer(p, peer);
+ peer->promise.given = peer->session.begun = peer->session.synced = false;
...>
}
