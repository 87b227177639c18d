// A name that begins like one of this node is taken.
// killers: test_http_names
@@
expression E;
@@
hosts_equal(...)
{
<...
- a.len == b.len && E
+ a.len >= b.len && strncasecmp((const char *)a.data, (const char *)b.data, b.len) == 0
...>
}
