// The write carries the round that the disk has already, not the new one.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_disk_write(...)
{
<...
+ write->acc_round = d->last.acc_round;
  d->last = state;
...>
}
