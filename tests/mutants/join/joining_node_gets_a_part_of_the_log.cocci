// A node joins with less than it may have acknowledged in its earlier life.
// killers: test_paxos_join, test_paxos_lives, scenarios
@@
@@
least_sync(...)
{
<...
- p->log.end
+ 0
...>
}
