// The path of a token does not count for operations.
// killers: test_tree_tokens, test_tree_random
@@
@@
rights_operation(...)
{
<...
- return by_path && !rights_cover(&c->as, op->name) ? -EACCES : 0;
+ return 0;
...>
}
