// The answer to REMOVEXATTR lacks the attributes.
// killers: test_tree_random
@@
@@
op_removexattr(...)
{
<...
- out->attr = inode.attr;
...>
}
