// A node that leads but still prepares appends proposals to its log at once.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_propose(...)
{
<...
- paxos_leads(p)
+ p->role == PAXOS_LEADER
...>
}
