// A token is good although the list that made it was undone.
// killers: test_tree_tokens, test_tree_random
@@
@@
run_list(...)
{
<...
- token_forget(c->tree);
...>
}
