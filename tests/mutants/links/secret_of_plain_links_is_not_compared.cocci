// A plain link may send any secret.
// killers: test_peer_strangers
@@
@@
check_plain(...)
{
<...
- if (!peer->secret[0] || !value[0])
+ if (1)
    return check_address(peer, ip, why);
...>
}
