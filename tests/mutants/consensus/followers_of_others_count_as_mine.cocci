// A leader counts every peer that answers as its follower.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
happy_leading(...)
{
<...
- followers += !higher;
+ followers++;
...>
}
