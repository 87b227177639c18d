// The sender of a relayed frame is taken to be the node that passed it on.
// killers: test_peer
@@
expression E;
statement S1, S2;
@@
deliver(struct link *link, struct frame *frame)
{
<...
+ frame->from = link->pid;
  if (relayed && E) S1 else S2
...>
}
