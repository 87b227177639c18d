// An observer that was ended by the one before it is told.
// killers: test_observers
@@
@@
replica_observe_end(...)
{
<...
- r->observers.next == observer
+ false
...>
}
