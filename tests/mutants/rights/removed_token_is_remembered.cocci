// A token that was removed is good for another command.
// killers: test_tree_tokens, test_tree_random
@@
@@
op_token_remove(...)
{
<...
- token_forget(c->tree);
...>
}
