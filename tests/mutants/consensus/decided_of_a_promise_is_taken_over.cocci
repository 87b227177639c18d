// The leader takes over the decided index of a late promise, although a snapshot may have carried
// that peer past this leader's round.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_sync_peer(...)
{
<...
- uint64_t valid = valid_prefix(p, peer);
+ uint64_t valid = valid_prefix(p, peer);
+ paxos_decide_up_to(p, peer->promise.decided);
...>
}
