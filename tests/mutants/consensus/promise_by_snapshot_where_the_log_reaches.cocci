// A promise sends the leader to fetch a snapshot although its log just reaches.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
send_promise(...)
{
<...
- from < p->log.base
+ from <= p->log.base
...>
}
