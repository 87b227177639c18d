// A piece of a suffix is taken from an earlier pull of the same ballot.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
expression E;
@@
paxos_on_suffix(...)
{
<...
- E || m->psid != pull->psid
+ E
...>
}
