// Decided entries are handed out before this node's own disk has them.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
emit_decided(...)
{
<...
- p->decided < durable ? p->decided : durable
+ p->decided
...>
}
