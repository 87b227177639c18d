// Only the first name of an expired file goes.
// killers: test_tree_mortal, test_tree_random
@@
@@
mortal_remove(...)
{
<...
- last = inode.attr.nlink == 1;
+ last = true;
...>
}
