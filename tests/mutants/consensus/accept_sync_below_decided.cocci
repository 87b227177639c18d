// A sync that begins below what is decided is believed.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_on_accept_sync(...)
{
<...
- m->first >= p->decided
+ m->first + 1 >= p->decided
...>
}
