// Messages of a leader do not count as a sign that it is there.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
check_leader(...)
{
<...
- p->follower.heard_tick = p->ticks;
  receive_from_leader(p, m);
...>
}
