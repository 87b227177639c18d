// A PUT without the lease leaves the key bound to it.
// killers: test_tree_mortal, test_tree_random
@@
@@
mortal_mark_put(...)
{
<...
- op->ttl == 0 && op->lease == 0 && leased
+ false
...>
}
