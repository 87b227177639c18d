// A new promise is written only together with entries.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
needs_write(...)
{
<...
- paxos_ballot_compare(p->promise, d->last.promise) != 0 ||
-         paxos_ballot_compare(p->acc_round, d->last.acc_round) != 0
+ paxos_ballot_compare(p->acc_round, d->last.acc_round) != 0
...>
}
