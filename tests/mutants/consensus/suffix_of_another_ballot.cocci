// A piece of a suffix is taken whatever ballot it was asked in.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_on_suffix(...)
{
<...
- pull->sync != PAXOS_SYNC_SUFFIX || paxos_ballot_compare(m->n, p->promise) != 0
+ pull->sync != PAXOS_SYNC_SUFFIX
...>
}
