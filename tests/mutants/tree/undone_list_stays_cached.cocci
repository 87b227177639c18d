// What an undone list has changed is remembered as if it had taken effect.
// killers: test_tree_cache, test_tree_random
@@
@@
run_list(...)
{
<...
- cache_clear(c->tree->cache);
...>
}
