// What is made belongs to root, whoever asked for it.
// killers: test_tree_random
@@
@@
make_new(...)
{
<...
- inode.attr.uid = op->uid;
...>
}
