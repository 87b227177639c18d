// A node founds a cluster alone.
// killers: test_paxos_join, test_paxos_lives, scenarios, sim
@@
@@
paxos_fresh_needed(...)
{
<...
- larger_quorum(p) - 1
+ 0
...>
}
