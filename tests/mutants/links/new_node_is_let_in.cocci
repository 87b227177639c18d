// A node that does not know its cluster is let in by the numbers that stand in for its own.
// killers: test_peer_greeting
@@
@@
handshake_check(...)
{
<...
- greeting.standing == PEER_NEW
+ false
...>
}
