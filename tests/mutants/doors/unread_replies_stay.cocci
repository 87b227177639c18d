// A client of a WebSocket may leave its replies for any time.
// killers: test_http_bounds
@@
@@
session_expire(...)
{
<...
- has_reply(session)
+ false
...>
}
