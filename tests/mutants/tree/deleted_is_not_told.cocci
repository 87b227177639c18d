// Removing a name is not told.
// killers: test_tree_changes
@@
@@
name_remove(...)
{
<...
- change_name(...);
...>
}
