// A range of a long value begins at 0.
// killers: test_http_meaning
@@
@@
stream_read(...)
{
<...
- stream->from + offset
+ offset
...>
}
