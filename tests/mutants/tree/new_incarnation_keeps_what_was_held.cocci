// Inodes that a node held open before it was started again are never released.
// killers: test_tree_once, test_tree_snapshot, test_tree_random, test_tree_names
@@
@@
session_begin(...)
{
<...
- status < 0 ? status : inode_release_all(c, session->node)
+ status
...>
}
