// A connection that a newer one has replaced is left open (trap 4).
// killers: test_peer_strangers
@@
@@
on_established(...)
{
<...
- link_cut(link->in);
...>
}
