// Accepted is assigned, not the maximum taken: a late one takes back what was acknowledged (trap
// 8).
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_on_accepted(...)
{
<...
- if (m->accepted > peer->ballot.durable)
-         peer->ballot.durable = m->accepted;
+ peer->ballot.durable = m->accepted;
...>
}
