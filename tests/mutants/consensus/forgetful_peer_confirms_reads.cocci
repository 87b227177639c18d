// A peer that has forgotten confirms that this node leads.
// killers: test_paxos_misfit
@@
@@
paxos_on_read_ack(...)
{
<...
- paxos_forgot(p, peer)
+ false
...>
}
