// The directories that a PUT has made stay when their last key is deleted.
// killers: test_tree_implied, test_tree_random
@@
@@
op_delete(...)
{
<...
- return status < 0 ? status : implied_prune(c, &dir);
+ return status;
...>
}
