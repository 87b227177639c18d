// Get of a WebSocket does not wait for the contents of an emptied file.
// killers: test_http_client
@@
@@
on_read(...)
{
<...
- http_await_contents(...)
+ false
...>
}
