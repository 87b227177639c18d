// A node dates its commands by its own clock.
// killers: test_dates
@@
@@
dates_now(...)
{
<...
- dates_are_common(r)
+ false
...>
}
