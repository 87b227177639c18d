// The log is cut in memory, but the old tail on disk still counts as part of this log.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_adopt(...)
{
<...
- paxos_disk_cut(p, first);
...>
}
