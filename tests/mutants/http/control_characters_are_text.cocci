// A value may hold control characters.
// killers: test_http_strict
@@
@@
http_byte_is_text(...)
{
<...
- c >= 0x20
+ c >= 0x01
...>
}
