// Methods may be lower-case.
// killers: test_http_strict
@@
@@
take_request_line(...)
{
<...
- "ABCDEFGHIJKLMNOPQRSTUVWXYZ-"
+ "ABCDEFGHIJKLMNOPQRSTUVWXYZ-abcdefghijklmnopqrstuvwxyz"
...>
}
