// Every condition of a transaction holds.
// killers: test_tree_branch
@@
@@
op_if(...)
{
<...
- c->skipping = !out->existed;
+ c->skipping = false;
...>
}
