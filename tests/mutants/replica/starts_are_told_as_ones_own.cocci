// A node says of its own start what it has heard of the other's.
// killers: test_peer_greeting
@@
@@
greeting_write(...)
{
<...
- put_start(&text, header_start, peer->start);
+ put_start(&text, header_start, link->seen);
...>
}
