// A peer that has as many entries as it acknowledged, of another round, is believed.
// killers: test_paxos_misfit
@@
@@
forgets(...)
{
<...
- (!in_round || m->accepted < peer->ballot.durable)
+ m->accepted < peer->ballot.durable
...>
}
