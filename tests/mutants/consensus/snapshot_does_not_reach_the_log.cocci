// A snapshot within the log is no reason to write: log.db does not hear that entries are void.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_disk_covered(...)
{
<...
- d->compact_due = true;
...>
}
