// A node that has not applied the last entries dates its commands by its own clock, though the others ask for it.
// killers: test_dates
@@
@@
dates_are_common(...)
{
<...
- asked || levels_reach(r, LEVEL_TIMES)
+ levels_reach(r, LEVEL_TIMES)
...>
}
