// A leader that begins a new ballot still counts the entries that peers accepted in its earlier
// one.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_elected(...)
{
<...
- p->peers[i].ballot = (struct paxos_peer_ballot){0};
+ p->peers[i].ballot = (struct paxos_peer_ballot){.durable = p->peers[i].ballot.durable};
...>
}
