// A token is shown keys that only begin with the same bytes as its path.
// killers: test_tree_tokens
@@
@@
keys_visit(...)
{
<...
- rights_cover(&k->rights, bytes_of(k->path, k->len))
+ true
...>
}
