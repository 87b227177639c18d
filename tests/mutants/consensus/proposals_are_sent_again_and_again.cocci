// What was forwarded stays in the buffer, and is forwarded with the next output too (trap 12).
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_proposals_output(...)
{
<...
- clear(w);
...>
}
