// A node that has dialled itself does not notice it.
// killers: test_peer_greeting
@@
@@
handshake_check(...)
{
<...
- greeting.process == peer->process
+ false
...>
}
