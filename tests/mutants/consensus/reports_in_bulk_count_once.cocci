// A report for several writes at once is taken for one.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
statement S;
@@
paxos_disk_durable(...)
{
<...
- while (d->count > 0 && d->ticket - d->count < ticket)
+ if (d->count > 0 && d->ticket - d->count < ticket)
  S
...>
}
