// A claim about what is long past is compared with what is known.
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
