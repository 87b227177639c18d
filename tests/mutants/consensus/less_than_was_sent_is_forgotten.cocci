// A peer that promises with just what it acknowledged is taken for one that has forgotten.
// killers: test_paxos_misfit, scenarios, sim
@@
@@
forgets(...)
{
<...
- m->accepted < peer->ballot.durable
+ m->accepted <= peer->ballot.durable
...>
}
