// The report of one write counts for the next one as well.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_disk_durable(...)
{
<...
- d->ticket - d->count < ticket
+ d->ticket - d->count <= ticket
...>
}
