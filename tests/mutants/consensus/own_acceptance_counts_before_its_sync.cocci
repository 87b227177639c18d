// The leader counts its own log as it is in memory, before its disk has it.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_decide(...)
{
<...
- paxos_accepted_durable(p)
+ p->log.end
...>
}
