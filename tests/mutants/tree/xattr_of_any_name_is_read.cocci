// Reading an extended attribute whose name cannot be one says that there is no such attribute.
// killers: test_tree_contents
@@
@@
tree_getxattr(...)
{
<...
- status = check_xattr_name(name);
...>
}
