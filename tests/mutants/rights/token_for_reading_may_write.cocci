// A token for reading may write, as tree_may has it.
// killers: test_tree_tokens
@@
@@
tree_may(...)
{
<...
- return -EROFS;
+ ;
...>
}
