// A newer connection replaces an older one without the link going down and up: frames that were
// lost in it are not repaired.
// killers: test_peer_strangers
@@
@@
receive_established(...)
{
<...
- receive_leave(link);
+ if (link->in)
+     link_cut(link->in);
...>
}
