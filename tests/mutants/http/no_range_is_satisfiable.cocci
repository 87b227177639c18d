// A range behind the end is answered as a part.
// killers: test_http_meaning
@@
@@
http_range_take(...)
{
<...
- answer->range_len > 0 ? HTTP_PARTIAL_CONTENT : HTTP_RANGE_NOT_SATISFIABLE
+ HTTP_PARTIAL_CONTENT
...>
}
