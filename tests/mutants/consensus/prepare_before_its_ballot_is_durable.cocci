// Prepare is sent while the ballot is still on its way to the disk: after a crash it is used
// again.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_prepare_output(...)
{
<...
- p->role != PAXOS_LEADER || !paxos_promise_durable(p)
+ p->role != PAXOS_LEADER
...>
}
