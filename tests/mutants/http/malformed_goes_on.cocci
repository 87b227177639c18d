// A connection goes on after a head that is malformed.
// killers: test_http_strict
@@
@@
http_request_new(...)
{
<...
- request->head.keep_alive = false;
+ request->head.keep_alive = true;
...>
}
