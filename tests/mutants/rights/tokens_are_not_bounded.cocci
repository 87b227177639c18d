// There can be any number of tokens.
// killers: test_tree_tokens
@@
@@
check_others(...)
{
<...
- status = -EDQUOT;
+ ;
...>
}
