// Other codings before chunked are not noticed.
// killers: test_http_strict
@@
@@
take_framing(...)
{
<...
- count == 1 ? 0 : HTTP_NOT_IMPLEMENTED
+ 0
...>
}
