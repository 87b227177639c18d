// A node that starts again does not remember which ballots it used.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_election_start(...)
{
<...
- p->election.leader = p->promise;
...>
}
