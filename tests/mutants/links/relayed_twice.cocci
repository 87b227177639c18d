// A frame that was relayed is relayed again: over two hops, or in circles.
// killers: test_peer_strangers
@@
@@
pass_on(...)
{
<...
- header->from != link->pid || header->type == FRAME_REACH || !target || !target->up
+ header->type == FRAME_REACH || !target || !target->up
...>
}
