// A node that does not speak the cluster's feature level is let in.
// killers: test_peer_greeting
@@
@@
check_levels(...)
{
<...
- levels->max >= peer->level
+ levels->max >= 1
...>
}
