// A value may hold DEL.
// killers: test_http_strict
@@
@@
http_byte_is_text(...)
{
<...
- c != 0x7f
+ true
...>
}
