// Nodes that do not know the question are asked, and close their connections.
// killers: test_dates
@@
@@
dates_are_common(...)
{
<...
- asked || levels_reach(r, LEVEL_TIMES)
+ true
...>
}
