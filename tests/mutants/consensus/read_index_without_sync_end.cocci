// A new leader gives out a read index before everything that it began with is decided.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
lead_reads(...)
{
<...
- if (p->decided < p->leader.sync_end)
-         return;
...>
}
