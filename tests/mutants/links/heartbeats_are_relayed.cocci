// Heartbeats go round a cut link: elections take it for a link that stands.
// killers: test_peer
@@
@@
peer_send(...)
{
<...
- direct && !is_heartbeat(frame)
+ direct
...>
}
