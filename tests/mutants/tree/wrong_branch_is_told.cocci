// The result says that a condition holds where it does not.
// killers: test_tree_branch
@@
@@
op_if(...)
{
<...
- c->skipping = !out->existed;
+ c->skipping = !out->existed; out->existed = true;
...>
}
