// A read that arrives while a probe is under way is answered with it.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
finish_probe(...)
{
<...
- answer_confirmed(p, r->probe_covers, r->probe_index);
+ answer_confirmed(p, r->asked, r->probe_index);
...>
}
