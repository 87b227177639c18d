// A clock that is off by about a second is said to be wrong and right again and again.
// killers: test_dates
@@
@@
verdict_of(...)
{
<...
- off ? CLOCK_OFF_MS / 2 : CLOCK_OFF_MS
+ CLOCK_OFF_MS
...>
}
