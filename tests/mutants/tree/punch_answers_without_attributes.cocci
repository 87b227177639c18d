// The answer to PUNCH lacks the attributes.
// killers: test_tree_random
@@
@@
op_punch(...)
{
<...
- out->attr = inode.attr;
...>
}
