// A directory that a PUT has made goes with its keys, although a file was made in it.
// killers: test_tree_implied, test_tree_random
@@
@@
make_new(...)
{
<...
- inode_claim(&dir);
...>
}
