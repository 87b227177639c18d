// A leader counts its own session_time for a node that has another one.
// killers: test_sessions
@@
@@
session_us_of(...)
{
<...
- ms > 0 ? ms : r->config->session_time_ms
+ r->config->session_time_ms
...>
}
