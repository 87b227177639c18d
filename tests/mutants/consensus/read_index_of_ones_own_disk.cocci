// The read index is what this node has applied, not what is decided.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
begin_probe(...)
{
<...
- r->probe_index = p->decided;
+ r->probe_index = p->emitted;
...>
}
