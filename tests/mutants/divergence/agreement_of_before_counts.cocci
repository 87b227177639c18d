// A node that was equal before the others differed is taken for equal.
// killers: test_divergence
@@
@@
count_equal(...)
{
<...
- d->peers[i].equal_at >= first
+ true
...>
}
