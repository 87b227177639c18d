// Replies of all WebSockets have no bound together.
// killers: test_http_bounds
@@
@@
http_client_room(...)
{
<...
- exchange_take(exchange, value_bytes)
+ true
...>
}
