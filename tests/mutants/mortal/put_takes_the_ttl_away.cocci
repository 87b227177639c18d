// A PUT that says nothing of a ttl takes it away.
// killers: test_tree_mortal, test_tree_random
@@
@@
mortal_mark_put(...)
{
<...
- op->ttl == TTL_NONE
+ (op->ttl == TTL_NONE || op->lease == 0 && op->ttl == 0)
...>
}
