// Observers are called for entries that change nothing.
// killers: test_observers
@@
@@
observers_applied(...)
{
<...
- changes->count == 0
+ false
...>
}
