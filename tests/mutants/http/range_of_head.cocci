// HEAD follows Range.
// killers: test_http_meaning
@@
@@
http_range_take(...)
{
<...
- !get
+ false
...>
}
