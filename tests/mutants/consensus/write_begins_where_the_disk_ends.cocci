// After a cut the write begins where the disk's log ends, not where it agrees with this one.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_disk_write(...)
{
<...
- uint64_t first = d->last.accepted;
+ uint64_t first = d->last_end < p->log.end ? d->last_end : d->last.accepted;
...>
}
