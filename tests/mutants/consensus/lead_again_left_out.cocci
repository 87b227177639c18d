// A leader that a snapshot carried forward goes on in its ballot, although the snapshot may have
// been decided above it.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
snapshot_installed(...)
{
<...
- paxos_lead_again(p);
+ ;
...>
}
