// A bound file gets a second name.
// killers: test_tree_ephemeral
@@
@@
op_link(...)
{
<...
- inode.attr.nlink >= (inode_is_mortal(&inode) ? MORTAL_LINKS_MAX : LINKS_MAX) || tree_is_ephemeral(c->tree, op->ino2)
+ inode.attr.nlink >= (inode_is_mortal(&inode) ? MORTAL_LINKS_MAX : LINKS_MAX)
...>
}
