// A clock is said to be wrong before all others are heard.
// killers: test_dates
@@
@@
dates_housekeeping(...)
{
<...
- now_ms - r->dates.verdict_ms < DATES_PATIENCE_MS
+ 0
...>
}
