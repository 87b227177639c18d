// The leader sends no beats: a lost tail is noticed only with the next entry (trap 7).
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_leader_tick(...)
{
<...
- paxos_beat(p, peer);
+ ;
...>
}
