// A claim about a long past index is compared with known digests.
// killers: test_divergence
@@
@@
divergence_compare(...)
{
<...
- if (p->claim.index < d->oldest)
-    return;
...>
}
