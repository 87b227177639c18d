// Forwarded proposals stay in the buffer and are forwarded with the next output too (trap 12).
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_proposals_output(...)
{
<...
- clear(w);
...>
}
