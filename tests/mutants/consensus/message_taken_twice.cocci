// A message of the session that came already is taken again.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
in_order(...)
{
<...
- m->counter <= f->session.counter
+ m->counter < f->session.counter
...>
}
