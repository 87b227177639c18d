// A promise's suffix is adopted wherever it begins.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
believable_sync(...)
{
<...
- m->sync == PAXOS_SYNC_SUFFIX && m->first == from &&
-         m->first + m->entry_count <= m->accepted
+ m->sync == PAXOS_SYNC_SUFFIX && m->first <= p->log.end &&
+        m->first + m->entry_count <= m->accepted
...>
}
