// A request may take any time to arrive.
// killers: test_http_bad
@@
@@
http_connection_expire(...)
{
<...
- c->deadline != 0 && c->deadline <= uv_now(c->http->loop)
+ false
...>
}
