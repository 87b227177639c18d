// Nothing is kept for what is written next.
// killers: test_tree_shrink
@@
@@
tree_shrink(...)
{
<...
- free < pages / SHRINK_SHARE
+ free == 0
...>
}
