// A long reply of a WebSocket is written on the loop.
// killers: test_http_work
@@
@@
http_client_replied(...)
{
<...
- exchange_job(exchange, write_reply, on_reply_written);
+ { write_reply(exchange); reply_complete(exchange); }
...>
}
