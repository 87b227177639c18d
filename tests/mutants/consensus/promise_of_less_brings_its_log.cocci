// A promise with an older round offers its log too, as if a longer one were better.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
send_promise(...)
{
<...
- round < 0 || (round == 0 && p->log.end <= f->prepare.log_end)
+ p->log.end <= f->prepare.log_end
...>
}
