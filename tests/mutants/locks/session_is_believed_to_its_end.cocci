// A node believes in its session until it may end, whatever its clock.
// killers: test_sessions
@@
@@
replica_session_left_ms(...)
{
<...
- for_us - since_us
+ for_us / 7 * 8 - since_us
...>
}
