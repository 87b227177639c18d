// After a gap the follower goes on with what comes next, and the counter follows it.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
in_order(...)
{
<...
- if (m->session > f->session || m->counter > f->counter + 1) {
-         paxos_recover(p);
-         return false;
- }
- f->counter++;
+ f->session = m->session;
+ f->counter = m->counter;
...>
}
