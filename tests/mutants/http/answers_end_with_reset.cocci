// A connection is closed before the client has read the answer.
// killers: test_http_bad
@@
@@
connection_end(...)
{
<...
- c->ended || c->http->stopping
+ true
...>
}
