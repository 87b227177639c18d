// A leader in accept asks for R followers where W are enough.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
happy_leading(...)
{
<...
- paxos_leads(p) ? p->quorums.write : p->quorums.read
+ p->quorums.read
...>
}
