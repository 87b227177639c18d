// The changes of an undone list stay in the cache as if they had taken effect.
// killers: test_tree_cache, test_tree_random
@@
@@
run_list(...)
{
<...
- cache_clear(c->tree->cache);
...>
}
