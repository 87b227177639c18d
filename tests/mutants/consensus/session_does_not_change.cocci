// A new AcceptSync begins no new session: what was sent in the old one still fits.
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
