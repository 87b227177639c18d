// Setting the attributes of a device takes its number away.
// killers: test_tree_random, test_former_snapshot
@@
expression E;
@@
inode_claim(...)
{
<...
- if (E)
  inode->attr.rdev = 0;
...>
}
