// After a restart a node ignores the decided index that the log had stored.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_new(...)
{
<...
- p->decided = p->emitted = stored->decided;
+ p->decided = p->emitted = stored->compacted;
...>
}
