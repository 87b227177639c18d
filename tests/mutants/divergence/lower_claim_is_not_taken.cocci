// A claim that is never reached stays although the node that made it was emptied.
// killers: test_divergence
@@
@@
divergence_told(...)
{
<...
- p->waits && claim.index >= p->claim.index
+ p->waits
...>
}
