// A token reaches keys that only begin with the same bytes as its path.
// killers: test_tree_tokens
@@
@@
is_at_or_below(...)
{
<...
- path.data[above.len] == '/'
+ true
...>
}
