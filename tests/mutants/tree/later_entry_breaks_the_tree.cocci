// An entry of a later version counts as a failure of the database.
// killers: test_tree_once
@@
@@
tree_apply(...)
{
<...
- return refuse_later_version(tree);
+ return tree_fail(tree, -EPROTONOSUPPORT, "later version");
...>
}
