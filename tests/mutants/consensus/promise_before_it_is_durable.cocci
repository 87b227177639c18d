// A promise is sent before it is on disk: after a crash an older leader is let in again.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_follower_output(...)
{
<...
- p->follower.promise_due && paxos_promise_durable(p)
+ p->follower.promise_due
...>
}
