// Events for a client that does not read pile up.
// killers: test_http_watch
@@
@@
stream_put(...)
{
<...
- out->len > 0 && out->len + text.len > WATCH_BYTES_MAX
+ false
...>
}
