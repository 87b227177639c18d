// A member is let in whatever the replica says of its start.
// killers: test_peer_greeting
@@
@@
check_member(...)
{
<...
- if (*why) return HTTP_STATUS_FORBIDDEN;
...>
}
