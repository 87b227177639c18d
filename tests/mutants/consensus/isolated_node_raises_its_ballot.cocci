// A node that hears from less than a quorum raises its ballot again and again.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
judge_round(...)
{
<...
- nobody_happy(p) && 1 + reply_count(p) >= p->quorums.read
+ nobody_happy(p)
...>
}
