// The session of an earlier Prepare is not left when a new Prepare arrives.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_leave_session(...)
{
<...
- f->session = (struct paxos_follower_session){0};
...>
}
