// What a PUT makes does not belong to its caller.
// killers: test_tree_rights, test_tree_random
@@
@@
set_owner(...)
{
<...
- inode->attr.uid = caller ? caller->uid : op->uid;
+ inode->attr.uid = op->uid;
...>
}
