// The wish for a snapshot stays when the log has reached that index by itself.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_sync_complete(...)
{
<...
- p->snapshot_needed = 0;
...>
}
