// After a gap the follower goes on with the next message, and the counter follows it.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
in_order(...)
{
<...
- if (m->session > f->session.number || m->counter > f->session.counter + 1) {
-         paxos_recover(p);
-         return false;
- }
- f->session.counter++;
+ f->session.number = m->session;
+ f->session.counter = m->counter;
...>
}
