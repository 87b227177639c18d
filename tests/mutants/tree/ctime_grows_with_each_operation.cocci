// A list of operations dates an inode more than once.
// killers: test_tree_times, test_tree_random
@@
@@
inode_change(...)
{
<...
- if (inode->attr.revision == c->revision) return;
...>
}
