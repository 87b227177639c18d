// A node founds a cluster alone.
// killers: test_paxos_join, test_paxos_lives, scenarios, sim
@@
@@
paxos_quorum_to_found(...)
{
<...
- paxos_quorum_to_work(q) - 1
+ 0
...>
}
