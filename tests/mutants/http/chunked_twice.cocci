// Chunked may come twice.
// killers: test_http_strict
@@
@@
take_framing(...)
{
<...
- chunked > 1
+ false
...>
}
