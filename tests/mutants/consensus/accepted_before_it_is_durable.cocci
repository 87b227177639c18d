// A follower acknowledges what it has in memory, not what it has on disk.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
send_accepted(...)
{
<...
- paxos_accepted_durable(p)
+ p->log.end
...>
}
