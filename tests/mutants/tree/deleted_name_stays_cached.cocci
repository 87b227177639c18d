// A name that was taken away is still found in the cache.
// killers: test_tree_cache, test_tree_names
@@
@@
name_delete(...)
{
<...
- cache_forget_name(c->tree->cache, parent, name);
...>
}
