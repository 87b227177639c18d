// A key that exists has every revision.
// killers: test_tree_branch
@@
@@
op_if(...)
{
<...
- !unless && !missing && !changed
+ !unless && !missing
...>
}
