// A token is made that has expired already.
// killers: test_tree_tokens, test_tree_random
@@
expression E;
struct op *op;
@@
check_add(...)
{
<...
- op->mtime <= E
+ false
...>
}
