// A lease holds in a later ballot.
// killers: test_paxos_lease, scenarios, sim
@@
@@
paxos_lease_holds(...)
{
<...
- paxos_ballot_compare(l->ballot, p->promise) != 0
+ 0
...>
}
