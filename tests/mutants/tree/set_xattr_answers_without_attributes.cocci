// The answer to SETXATTR lacks the attributes.
// killers: test_tree_random
@@
@@
op_setxattr(...)
{
<...
- out->attr = inode.attr;
...>
}
