// When the log is cut, the writes under way are forgotten: the entries that they bring still
// count.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_disk_cut(...)
{
<...
- for (size_t i = 0; i < d->count; i++)
-         lower(&queued(d, i)->accepted, end);
...>
}
