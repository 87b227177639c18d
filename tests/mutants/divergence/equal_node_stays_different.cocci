// A node that is equal again counts as different until this one restarts.
// killers: test_divergence
@@
@@
divergence_compare(...)
{
<...
- p->differs = false;
...>
}
