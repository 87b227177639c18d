// An old copy that has been started as often as the folder itself goes unnoticed.
// killers: test_starts
@@
expression A, B;
@@
start_compare(...)
{
<...
- A == B ? START_SAME : START_OLDER
+ START_SAME
...>
}
