// As many handshakes may be under way as come.
// killers: test_tls
@@
@@
channel_accept(...)
{
<...
- channels->beginning_count > CHANNEL_HANDSHAKES_MAX
+ 0
...>
}
