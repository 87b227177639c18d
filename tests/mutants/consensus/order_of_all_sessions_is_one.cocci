// The session is not checked: a message of an earlier session fits if its counter does.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
in_order(...)
{
<...
- m->session < f->session.number || (m->session == f->session.number && m->counter <= f->session.counter)
+ m->counter <= f->session.counter
...>
}
