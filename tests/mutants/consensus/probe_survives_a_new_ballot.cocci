// A probe that was under way when the leader was deposed goes on when it leads again, with its
// former index.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_read_reset(...)
{
<...
- p->reads.probing = false;
...>
}
