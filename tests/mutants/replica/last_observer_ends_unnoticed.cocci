// The tree goes on collecting after the last observer has ended.
// killers: test_observers
@@
@@
replica_observe_end(...)
{
<...
- !LIST_EMPTY(&r->observers.all)
+ true
...>
}
