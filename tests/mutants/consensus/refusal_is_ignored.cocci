// NotAccepted is thrown away: the leader never learns of the ballot that holds its follower (trap
// 10).
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_on_not_accepted(...)
{
<...
- refused(p, peer, m->n);
+ ;
...>
}
