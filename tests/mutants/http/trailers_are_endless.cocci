// Trailers and extensions are not limited.
// killers: test_http_strict
@@
@@
take_text(...)
{
<...
- ++chunks->beside <= HTTP_CHUNK_BESIDE_BYTES_MAX
+ true
...>
}
