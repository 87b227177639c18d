// A beat that shows a gap is not counted (trap 7).
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_on_leader_beat(...)
{
<...
- behind && ++f->session.gap_beats >= f->patience
+ 0
...>
}
