// The path of a token does not count for reads.
// killers: test_tree_tokens
@@
@@
tree_may(...)
{
<...
- if (!rights_cover(&rights, key))
-     return -EACCES;
...>
}
