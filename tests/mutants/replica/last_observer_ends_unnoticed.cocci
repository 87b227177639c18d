// The tree goes on collecting after the last observer has ended.
// killers: test_observers
@@
@@
replica_observe_end(...)
{
<...
- observe_what_is_wanted(r);
...>
}
