// Links without encryption are taken although the owner did not say so.
// killers: test_peer_strangers
@@
@@
check_plain(...)
{
<...
- if (!peer->plain)
+ if (0)
    return HTTP_STATUS_FORBIDDEN;
...>
}
