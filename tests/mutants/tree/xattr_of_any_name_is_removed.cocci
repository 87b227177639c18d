// REMOVEXATTR with an impossible name says that there is no such attribute.
// killers: test_tree_contents
@@
@@
op_removexattr(...)
{
<...
- status = check_xattr_name(op->name);
...>
}
