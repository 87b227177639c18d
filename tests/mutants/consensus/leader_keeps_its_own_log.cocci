// A leader begins with its own log although a promise had a better one.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
begin_accept(...)
{
<...
- bool own = l->best_pid == p->me;
+ bool own = true;
...>
}
