// A leader that a snapshot carried forward prepares again in its own ballot.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
snapshot_installed(...)
{
<...
- paxos_lead_again(p);
+ paxos_prepare_all(p);
...>
}
