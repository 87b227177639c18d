// An answer in JSON counts as the value in it.
// killers: test_http_bounds
@@
@@
answer_settle(...)
{
<...
- http_hold_now(request->http, &request->held_bytes, bytes);
...>
}
