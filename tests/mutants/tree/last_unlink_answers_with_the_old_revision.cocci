// The answer to the removal of the last name has the revision before it.
// killers: test_tree_random
@@
@@
inode_unlink(...)
{
<...
- inode->attr.revision = c->revision;
...>
}
