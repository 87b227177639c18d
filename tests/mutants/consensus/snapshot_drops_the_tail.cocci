// A snapshot within the log throws away what the log holds beyond it, perhaps acknowledged (trap
// 1).
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
snapshot_installed(...)
{
<...
- paxos_log_trim(&p->log, index);
+ paxos_log_truncate(&p->log, index > p->log.base ? (index < p->log.end ? index : p->log.end) : p->log.base);
+ paxos_log_trim(&p->log, index);
...>
}
