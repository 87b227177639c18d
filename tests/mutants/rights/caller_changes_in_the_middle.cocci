// A command becomes another caller in its middle.
// killers: test_tree_rights
@@
@@
op_as(...)
{
<...
- return -EINVAL;
+ ;
...>
}
