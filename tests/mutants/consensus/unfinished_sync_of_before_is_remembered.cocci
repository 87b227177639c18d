// How far a peer had to get in an earlier sync holds back the entries that it is sent in this one.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_prepare_peer(...)
{
<...
- peer->session = (struct paxos_peer_session){0};
+ peer->session = (struct paxos_peer_session){.pull_end = peer->session.pull_end};
...>
}
