// A node that reaches nobody says besides that it has not heard their clocks.
// killers: test_dates
@@
@@
dates_housekeeping(...)
{
<...
- verdict == CLOCK_UNHEARD && !replica_has_quorum(r)
+ false
...>
}
