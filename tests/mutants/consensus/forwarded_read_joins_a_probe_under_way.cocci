// A follower's read that arrives while a probe is under way is answered with it.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
finish_probe(...)
{
<...
- answer_peer(p, &p->peers[i], p->peers[i].reads.covered, r->probe_index, vouched)
+ answer_peer(p, &p->peers[i], p->peers[i].reads.wanted, r->probe_index, vouched)
...>
}
