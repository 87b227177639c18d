// Entries on disk count as accepted although the round is not on disk yet.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_accepted_durable(...)
{
<...
- paxos_round_durable(p) ? p->disk.durable.accepted : 0
+ p->disk.durable.accepted
...>
}
