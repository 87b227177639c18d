// A peer is prepared again under the number of the previous Prepare, and takes it for the old one.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_prepare_peer(...)
{
<...
- ++p->psid
+ peer->prepare.psid ? peer->prepare.psid : ++p->psid
...>
}
