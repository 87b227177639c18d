// A request of HTTP/1.1 may come without Host.
// killers: test_http_strict
@@
@@
take_host(...)
{
<...
- head->is_1_0 ? 0 : HTTP_BAD_REQUEST
+ 0
...>
}
