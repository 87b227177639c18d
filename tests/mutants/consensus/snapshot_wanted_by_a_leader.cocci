// A leader still wants the snapshot of a promise that it did without.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
begin_accept(...)
{
<...
- p->snapshot_needed = 0;
...>
}
