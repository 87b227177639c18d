// All nodes take the longest heartbeat that one of them has.
// killers: test_settings
@@
@@
median_heartbeat(...)
{
<...
- values[(count - 1) / 2]
+ values[count - 1]
...>
}
