// A DELETE removes directories that its caller may not remove.
// killers: test_tree_rights, test_tree_random
@@
@@
implied_prune(...)
{
<...
- status = may_remove_dir(c, dir);
...>
}
