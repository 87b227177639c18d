// The log is trimmed one entry further than the tree is durable.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
trim(...)
{
<...
- paxos_log_trim(&p->log, index);
+ paxos_log_trim(&p->log, index + 1);
...>
}
