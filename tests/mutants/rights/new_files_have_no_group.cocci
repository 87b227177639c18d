// What a PUT makes does not have the group of its caller.
// killers: test_tree_rights, test_tree_random
@@
@@
set_owner(...)
{
<...
- inode->attr.gid = caller ? caller->gid : op->gid;
+ inode->attr.gid = op->gid;
...>
}
