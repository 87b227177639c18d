// If-Range is ignored.
// killers: test_http_meaning
@@
@@
http_range_take(...)
{
<...
- !range_counts(request, revision)
+ false
...>
}
