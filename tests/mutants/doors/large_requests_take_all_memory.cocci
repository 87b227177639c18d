// Requests with large bodies and answers take the last quarter of the memory as well.
// killers: test_http_bounds
@@
@@
http_take(...)
{
<...
- http->held_max / 4 * 3
+ http->held_max
...>
}
