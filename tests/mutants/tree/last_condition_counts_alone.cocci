// A condition that holds makes up for one that did not.
// killers: test_tree_branch
@@
@@
run_operations(...)
{
<...
- op.type != OP_ELSE
+ op.type != OP_ELSE && op.type != OP_IF
...>
}
