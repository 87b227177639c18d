// An inode that is held keeps the name in its row although it has lost it.
// killers: test_tree_ways
@@
@@
name_remove(...)
{
<...
- !last || hold == inode->attr.ino
+ !last
...>
}
