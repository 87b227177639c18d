// A sync in the round that is accepted already replaces the log, including acknowledged entries
// (trap 4).
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_sync_complete(...)
{
<...
- paxos_ballot_compare(p->acc_round, p->promise) == 0
+ paxos_ballot_compare(p->acc_round, p->promise) > 0
...>
}
