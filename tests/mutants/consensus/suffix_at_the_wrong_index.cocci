// A piece of a suffix is taken wherever the last one ended.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_on_suffix(...)
{
<...
- m->first != next || next + m->entry_count > pull->end
+ next + m->entry_count > pull->end
...>
}
