// A name is given to two tokens.
// killers: test_tree_tokens, test_tree_random
@@
@@
check_others(...)
{
<...
- names + hashes > 0
+ hashes > 0
...>
}
