// A leader that a snapshot carried, and that has heard of a higher ballot, recovers as if it did
// not lead.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_lead_again(...)
{
<...
- p->role = PAXOS_FOLLOWER;
...>
}
