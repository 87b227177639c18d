// Entries are appended wherever the log ends, whatever index they belong to.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_on_accept_decide(...)
{
<...
- if (m->first != p->log.end) {
-         paxos_recover(p);
-         return;
- }
...>
}
