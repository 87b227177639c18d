// A promise of a newer round brings what comes after the leader's log, although that log need not
// be a prefix of it.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
send_promise(...)
{
<...
- round > 0 ? f->prepare.decided : f->prepare.log_end
+ f->prepare.log_end
...>
}
