// Followers learn what is decided only with the next beat.
// killers: test_paxos_tell, test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
tell_decided(...)
{
<...
- send_in_session(p, peer, PAXOS_DECIDE);
+ ;
...>
}
