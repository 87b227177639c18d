// A peer with an empty folder, which joins, is taken for one that has forgotten without saying so.
// killers: test_paxos_misfit, scenarios, sim
@@
@@
forgets(...)
{
<...
- m->standing == PAXOS_MEMBER && same_life
+ true
...>
}
