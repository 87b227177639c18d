// A handshake with a body is taken.
// killers: test_http_names
@@
@@
asks_for_upgrade(...)
{
<...
- head->body_bytes == 0
+ true
...>
}
