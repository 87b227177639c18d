// A node that was emptied counts as different until this one restarts.
// killers: test_divergence
@@
@@
divergence_told(...)
{
<...
- if (p->differs && claim.index < p->other.index)
-    p->differs = false;
...>
}
