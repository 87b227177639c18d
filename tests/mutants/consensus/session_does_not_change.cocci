// A new AcceptSync begins no new session: messages of the old one still fit.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_sync_peer(...)
{
<...
- peer->ballot.session++;
+ if (peer->ballot.session == 0)
+         peer->ballot.session++;
...>
}
