// Frames that come together with the handshake are dropped.
// killers: test_http_names
@@
@@
connection_upgrade(...)
{
<...
- buffer_append(&c->upgrade, rest.data, rest.len);
...>
}
