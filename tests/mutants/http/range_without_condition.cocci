// If-Range is ignored.
// killers: test_http_meaning
@@
@@
http_range_of(...)
{
<...
- !range_counts(request, revision)
+ false
...>
}
