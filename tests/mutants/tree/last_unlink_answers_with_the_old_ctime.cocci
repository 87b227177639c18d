// The answer to the removal of the last name has the ctime before it.
// killers: test_tree_random
@@
@@
inode_unlink(...)
{
<...
- inode->attr.ctime = c->time;
...>
}
