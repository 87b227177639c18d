// A directory that a PUT has made goes with its keys, although a link was made in it.
// killers: test_tree_implied, test_tree_random
@@
@@
op_link(...)
{
<...
- inode_claim(&dir);
...>
}
