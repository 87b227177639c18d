// The holder answers alone although it has accepted more than it knows to be decided.
// killers: test_paxos_lease, scenarios, sim
@@
@@
paxos_lease_holds(...)
{
<...
- paxos_accepted_durable(p) <= p->decided
+ 1
...>
}
