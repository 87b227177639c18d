// Tokens that have expired are kept for ever.
// killers: test_tree_tokens, test_tree_random
@@
@@
op_token_add(...)
{
<...
- status = remove_expired(c);
...>
}
