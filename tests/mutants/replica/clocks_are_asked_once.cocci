// The clocks of the others are asked for only when they connect.
// killers: test_dates
@@
@@
dates_housekeeping(...)
{
<...
- now_ms >= r->dates.ask_ms
+ 0
...>
}
