// A DELETE removes empty directories that its caller may not remove.
// killers: test_tree_rights, test_tree_random
@@
@@
may_delete(...)
{
<...
- *in_the_way = false;
+ ;
...>
}
