// A follower that recovers goes on pulling the sync that it gave up.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_recover(...)
{
<...
- paxos_pull_clear(&p->pull);
...>
}
