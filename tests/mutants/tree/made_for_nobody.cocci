// New inodes belong to root, whichever user asked for them.
// killers: test_tree_random
@@
@@
make_new(...)
{
<...
- inode.attr.uid = op->uid;
...>
}
