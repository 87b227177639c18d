// A write says that old entries must go only when the log has become shorter, not when it replaces
// some.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_disk_write(...)
{
<...
- d->last_end > first
+ d->last_end > p->log.end
...>
}
