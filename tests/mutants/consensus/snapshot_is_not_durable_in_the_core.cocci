// The log that a snapshot stands for is not counted as durable.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_disk_covered(...)
{
<...
- raise(&d->durable.accepted, index);
...>
}
