// An answer to a question of an earlier start is taken for one to a question of this start.
// killers: test_paxos_join, test_paxos_lives
@@
@@
configure(...)
{
<...
- p->join.round = config->start;
...>
}
