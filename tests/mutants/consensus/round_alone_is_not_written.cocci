// A new round over an unchanged log is no reason to write: it is never on disk.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
needs_write(...)
{
<...
- paxos_ballot_compare(p->promise, d->last.promise) != 0 || paxos_ballot_compare(p->acc_round, d->last.acc_round) != 0
+ paxos_ballot_compare(p->promise, d->last.promise) != 0
...>
}
