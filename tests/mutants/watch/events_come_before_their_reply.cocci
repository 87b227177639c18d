// Events of a WebSocket come before the reply that begins them.
// killers: test_http_watch
@@
@@
client_tell(...)
{
<...
- watch->open ? event_new(watch, event) : NULL
+ event_new(watch, event)
...>
}
