// A caller with rights does by inode what it may not do by key.
// killers: test_tree_rights
@@
@@
rights_operation(...)
{
<...
- return -EPERM;
+ return 0;
...>
}
