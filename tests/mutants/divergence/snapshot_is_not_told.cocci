// After a snapshot the digests of before are compared.
// killers: test_divergence
@@
@@
divergence_begin(...)
{
<...
- d->oldest = d->newest = own.index;
+ d->newest = own.index;
...>
}
