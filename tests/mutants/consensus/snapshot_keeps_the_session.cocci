// A snapshot beyond the log makes a gap between what was accepted and what comes next in the
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
