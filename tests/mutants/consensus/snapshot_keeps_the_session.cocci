// A snapshot beyond the log makes a gap between the accepted entries and the next ones of the
// session, and the follower goes on.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
snapshot_installed(...)
{
<...
- p->phase == PAXOS_PHASE_ACCEPT && !beyond
+ p->phase == PAXOS_PHASE_ACCEPT
...>
}
