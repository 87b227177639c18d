// A snapshot arrives while the leader prepares, and the phase goes on with promises for the log of
// before.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
snapshot_installed(...)
{
<...
- paxos_prepare_all(p);
+ ;
...>
}
