// An acknowledgement that was lost is never sent again.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_on_leader_beat(...)
{
<...
- f->accepted_due = true;
...>
}
