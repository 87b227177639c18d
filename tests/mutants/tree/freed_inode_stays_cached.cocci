// An inode that is gone is still found in the cache.
// killers: test_tree_cache, test_tree_names
@@
@@
inode_free(...)
{
<...
- cache_forget_inode(c->tree->cache, inode->attr.ino);
...>
}
