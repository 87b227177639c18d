// ELSE does not end the branch before it.
// killers: test_tree_branch
@@
@@
op_else(...)
{
<...
- c->skipping = !c->skipping;
+ c->skipping = false;
...>
}
