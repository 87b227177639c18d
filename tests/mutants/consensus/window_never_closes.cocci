// Entries that are sent and not yet accepted are not bounded.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
window_open(...)
{
<...
- paxos_log_offset(&p->log, peer->session.next) - peer->session.window_offset < PAXOS_WINDOW_BYTES_MAX
+ 1
...>
}
