// A node waits for clocks of nodes that are gone.
// killers: test_dates
@@
@@
dates_wait(...)
{
<...
- patient && !clocks_all_heard(&r->dates.clocks)
+ !clocks_all_heard(&r->dates.clocks)
...>
}
