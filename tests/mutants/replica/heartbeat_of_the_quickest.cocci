// All nodes take the shortest heartbeat that one of them has.
// killers: test_settings
@@
@@
median_heartbeat(...)
{
<...
- values[(count - 1) / 2]
+ values[0]
...>
}
