// After a snapshot the earlier digests are still compared.
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
