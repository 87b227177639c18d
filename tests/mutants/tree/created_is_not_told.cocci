// Making a name is not told.
// killers: test_tree_changes
@@
@@
name_make(...)
{
<...
- change_name(...);
...>
}
