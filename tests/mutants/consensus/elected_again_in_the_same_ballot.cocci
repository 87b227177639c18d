// A leader begins its own ballot again with each heartbeat.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_elected(...)
{
<...
- paxos_ballot_compare(ballot, p->promise) <= 0
+ paxos_ballot_compare(ballot, p->promise) < 0
...>
}
