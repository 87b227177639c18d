// Messages that arrive have no bound together.
// killers: test_http_bounds
@@
@@
on_receive(...)
{
<...
- http_take(http, &session->incoming_held, len)
+ true
...>
}
