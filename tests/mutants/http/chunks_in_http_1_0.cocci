// Chunks are taken in HTTP/1.0.
// killers: test_http_strict
@@
@@
take_framing(...)
{
<...
- head->is_1_0 || !head->chunked || chunked > 1
+ !head->chunked || chunked > 1
...>
}
