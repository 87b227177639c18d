// A snapshot that is being served goes on reading the file that was replaced.
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
replace_tree(...)
{
<...
- readers_end(tree);
...>
}
