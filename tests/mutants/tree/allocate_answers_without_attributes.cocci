// The answer to ALLOCATE lacks the attributes.
// killers: test_tree_random
@@
@@
op_allocate(...)
{
<...
- out->attr = inode.attr;
...>
}
