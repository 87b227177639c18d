// A node joins with less than it may have acknowledged in its earlier life.
// killers: test_paxos_join, scenarios
@@
@@
least_sync(...)
{
<...
- p->log.end
+ 0
...>
}
