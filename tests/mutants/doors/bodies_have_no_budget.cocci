// Bodies that arrive have no bound together.
// killers: test_http_bounds
@@
@@
http_request_receive(...)
{
<...
- http_hold(request, data.len)
+ true
...>
}
