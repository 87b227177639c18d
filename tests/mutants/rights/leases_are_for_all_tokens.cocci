// A lease is used by all tokens of a user.
// killers: test_tree_tokens, test_tree_random
@@
@@
tree_lease_may(...)
{
<...
- caller->token == lease->token
+ true
...>
}
