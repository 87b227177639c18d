// If-Match is ignored when reading.
// killers: test_http_meaning
@@
@@
answer_found(...)
{
<...
- status == HTTP_PRECONDITION_FAILED
+ false
...>
}
