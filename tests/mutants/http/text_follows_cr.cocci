// CR may stand within a line.
// killers: test_http_strict
@@
@@
http_head_find(...)
{
<...
- http_byte_is_text(data[i]) && (i == 0 || data[i - 1] != '\r')
+ http_byte_is_text(data[i])
...>
}
