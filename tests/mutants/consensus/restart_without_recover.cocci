// A node that starts again asks once to be prepared, and then waits as one that never promised.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_new(...)
{
<...
- paxos_recover_from_any(p);
+ for (uint32_t i = 0; i < p->peer_count; i++)
+     paxos_prepare_req(p, p->peers[i].pid);
...>
}
