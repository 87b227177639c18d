// A node that is equal again counts as different until this one restarts.
// killers: test_divergence
@@
@@
compare(...)
{
<...
- p->differs = false;
...>
}
