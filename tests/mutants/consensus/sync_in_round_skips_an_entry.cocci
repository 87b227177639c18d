// A sync in the own round skips one entry more than it has already.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_sync_complete(...)
{
<...
- (size_t)(p->log.end - first)
+ (size_t)(p->log.end - first + 1)
...>
}
