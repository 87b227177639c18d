// A node that does not know its cluster lets others in instead of listening to their greeting.
// killers: test_peer_greeting
@@
@@
handshake_check(...)
{
<...
- peer->standing == PEER_NEW
+ false
...>
}
