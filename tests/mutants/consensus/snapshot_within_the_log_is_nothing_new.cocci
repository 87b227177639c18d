// A snapshot that ends within the log is not taken over by the core.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
snapshot_installed(...)
{
<...
- index > p->emitted
+ index > p->log.end
...>
}
