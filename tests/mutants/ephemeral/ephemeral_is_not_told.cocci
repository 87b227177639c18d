// A node does not hear of a file that it has bound.
// killers: test_fs, test_tree_changes
@@
@@
op_ephemeral(...)
{
<...
- changes_add(...);
...>
}
