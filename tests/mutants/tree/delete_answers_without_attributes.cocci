// The answer to DELETE lacks the attributes.
// killers: test_tree_random
@@
@@
op_delete(...)
{
<...
- out->attr = walk.inode.attr;
...>
}
