// Decided is not bounded by what this log holds.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_decide_up_to(...)
{
<...
- if (decided > p->log.end)
-         decided = p->log.end;
...>
}
