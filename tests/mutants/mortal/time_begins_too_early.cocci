// Time is counted from before the change.
// killers: test_expiry
@@
@@
count_from(...)
{
<...
- clock_ms + mortal->ms + EXPIRY_SPARE_MS
+ clock_ms + mortal->ms - EXPIRY_SPARE_MS
...>
}
