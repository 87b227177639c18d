// Clients that keep memory which others need have as much time as any.
// killers: test_http_bounds
@@
@@
http_has_stalled(...)
{
<...
- http->held_bytes > http->held_max / 2
+ false
...>
}
