// A leader above the promise is ignored: a follower that lost its Prepare stays out.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
check_leader(...)
{
<...
- paxos_prepare_req(p, m->from);
+ ;
...>
}
