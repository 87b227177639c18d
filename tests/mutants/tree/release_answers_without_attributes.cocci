// The answer to RELEASE lacks the attributes.
// killers: test_tree_random
@@
@@
op_release(...)
{
<...
- out->attr = inode.attr;
...>
}
