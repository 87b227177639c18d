// A claim that waits is replaced by the next: a node that lags never compares.
// killers: test_divergence
@@
@@
divergence_told(...)
{
<...
- if (p->waits && claim.index >= p->claim.index)
-    return;
...>
}
