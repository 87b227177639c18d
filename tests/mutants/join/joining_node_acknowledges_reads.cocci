// A node that is joining confirms that a leader still leads.
// killers: test_paxos_join, test_paxos_lives, scenarios, sim
@@
@@
paxos_on_read_probe(...)
{
<...
- !paxos_is_member(p)
+ 0
...>
}
