// A connection that a newer one has replaced is left open (trap 4).
// killers: test_peer_strangers
@@
@@
receive_established(...)
{
<...
- receive_leave(link);
+ if (link->in)
+     forget_in(link);
...>
}
