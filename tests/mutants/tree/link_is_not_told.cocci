// A hard link is not told.
// killers: test_tree_changes
@@
@@
op_link(...)
{
<...
- change_name(...);
...>
}
