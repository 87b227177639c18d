// A changed inode stays in the cache as it was.
// killers: test_tree_cache, test_tree_names
@@
@@
inode_write(...)
{
<...
- cache_inode(c->tree->cache, inode);
...>
}
