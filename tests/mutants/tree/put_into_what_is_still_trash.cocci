// PUT writes chunks whose numbers are still in the trash, which takes them away later.
// killers: test_tree_contents
@@
@@
data_replace(...)
{
<...
- data_grow(c, inode, contents.len)
+ 0
...>
}
