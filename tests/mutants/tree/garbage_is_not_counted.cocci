// An entry that is no command does not raise the applied index.
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
tree_apply(...)
{
<...
- result->status = readable;
+ { result->status = readable; return 0; }
...>
}
