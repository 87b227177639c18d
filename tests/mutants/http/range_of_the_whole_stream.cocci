// A range of a long value begins at 0.
// killers: test_http_meaning
@@
@@
value_gather(...)
{
<...
- value->from + request->out.len
+ request->out.len
...>
}
