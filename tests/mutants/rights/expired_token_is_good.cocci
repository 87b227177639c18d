// A token is good although its time is over.
// killers: test_tree_tokens, test_tree_random
@@
@@
rights_of(...)
{
<...
- return token_is_over(rights->token, time) ? -EKEYREVOKED : 0;
+ return 0;
...>
}
