// A leader that is slow to send a suffix is given up as if it had died.
// killers: test_paxos_repair
@@
@@
paxos_pull_tick(...)
{
<...
- alive && p->role == PAXOS_FOLLOWER
+ false
...>
}
