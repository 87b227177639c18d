// What a follower acknowledged is not forgotten with a new promise.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_leave_session(...)
{
<...
- f->accepted_sent = 0;
...>
}
