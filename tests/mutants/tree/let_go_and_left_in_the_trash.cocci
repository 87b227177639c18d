// What is left of a large file when nobody wants it any more stays until a restart.
// killers: test_tree_kept
@@
@@
tree_let_go(...)
{
<...
- tree->trash = true;
...>
}
