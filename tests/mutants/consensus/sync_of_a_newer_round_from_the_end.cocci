// A log of a newer round is expected to continue this one, although only what is decided surely
// agrees.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
believable_sync(...)
{
<...
- newer ? p->decided : p->log.end
+ p->log.end
...>
}
