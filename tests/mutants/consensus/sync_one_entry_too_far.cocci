// The sync begins one entry too late: the peer's last one is taken for valid unseen.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_sync_peer(...)
{
<...
- uint64_t valid = valid_prefix(p, peer);
+ uint64_t valid = valid_prefix(p, peer) + (p->log.end > valid_prefix(p, peer));
...>
}
