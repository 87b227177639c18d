// A list that goes on in a view is by the modes of its revision.
// killers: test_tree_rights
@@
@@
keys_may(...)
{
<...
- return !k->tree->viewed || inode_get(k->tree->viewed, dir->attr.ino, &now) < 0 || rights_check(&k->rights, &now.attr, want) == 0;
+ return true;
...>
}
