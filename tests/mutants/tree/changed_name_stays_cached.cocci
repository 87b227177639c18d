// A name that leads to another inode leads to the old one in the cache.
// killers: test_tree_cache, test_tree_names
@@
@@
name_write(...)
{
<...
- cache_name(c->tree->cache, parent, name, ino);
...>
}
