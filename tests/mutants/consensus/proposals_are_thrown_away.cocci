// Proposals that came while there was no leader are thrown away if there is still none (trap 12).
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
statement S;
@@
paxos_proposals_output(...)
{
<...
  if (can_forward(p)) S else
- return;
+ {}
...>
}
