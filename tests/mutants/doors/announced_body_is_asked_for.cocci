// A body for which there is no memory is asked for all the same.
// killers: test_http_bounds
@@
@@
http_request_admit(...)
{
<...
- http_hold(request, (size_t)head->body_bytes)
+ true
...>
}
