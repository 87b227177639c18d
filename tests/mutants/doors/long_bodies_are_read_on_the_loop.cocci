// A long body of JSON is read on the loop.
// killers: test_http_work
@@
@@
http_body_items(...)
{
<...
- request->body.len >= HTTP_JOB_BYTES_MIN
+ false
...>
}
