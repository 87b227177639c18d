// After a list was undone, the number of bound files is wrong.
// killers: test_tree_ephemeral, test_tree_random
@@
@@
run_list(...)
{
<...
- status = c->tree->broken = ephemerals_load(c->tree);
...>
}
