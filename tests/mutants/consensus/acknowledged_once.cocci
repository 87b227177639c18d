// A new promise does not reset how much the follower has acknowledged.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_leave_session(...)
{
<...
- f->accepted_sent = 0;
...>
}
