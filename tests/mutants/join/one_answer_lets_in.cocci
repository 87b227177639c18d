// One member is enough to let a node in.
// killers: test_paxos_join, test_paxos_lives, scenarios
@@
@@
paxos_quorum_to_join(...)
{
<...
- paxos_quorum_to_work(q) < others ? paxos_quorum_to_work(q) : others
+ 1
...>
}
