// A majority that is quick to answer founds a cluster before the others can say that there is one.
// killers: test_paxos_join
@@
@@
may_found(...)
{
<...
- all || p->ticks >= PAXOS_FOUND_TICKS
+ 1
...>
}
