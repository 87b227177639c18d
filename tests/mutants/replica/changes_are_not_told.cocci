// Observers are not told what entries change.
// killers: test_replica
@@
@@
apply_next(...)
{
<...
- observers_applied(...);
...>
}
