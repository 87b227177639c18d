// Reading an extended attribute with an impossible name says that there is no such attribute.
// killers: test_tree_contents
@@
@@
tree_getxattr(...)
{
<...
- status = check_xattr_name(name);
...>
}
