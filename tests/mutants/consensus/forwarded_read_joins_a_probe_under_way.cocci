// A follower's read that arrives while a probe is under way is answered with it.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
finish_probe(...)
{
<...
- if (peer->read_covered <= peer->read_answered)
-         continue;
+ peer->read_covered = peer->read_wanted;
+ if (peer->read_covered <= peer->read_answered)
+         continue;
...>
}
