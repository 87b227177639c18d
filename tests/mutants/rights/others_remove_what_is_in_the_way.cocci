// A PUT removes empty directories that its caller may not remove.
// killers: test_tree_rights, test_tree_random
@@
@@
may_put(...)
{
<...
- return status == 0 && in_the_way ? implied_may_remove(c, &walk->inode) : status;
+ return status;
...>
}
