// The answer to DELETE lacks the attributes.
// killers: test_tree_random
@@
@@
delete_found(...)
{
<...
- out->attr = walk->inode.attr;
...>
}
