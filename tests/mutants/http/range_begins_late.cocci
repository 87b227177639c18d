// A range begins one byte late.
// killers: test_http_meaning
@@
@@
range_parse(...)
{
<...
- *from = first;
+ *from = first + 1;
...>
}
