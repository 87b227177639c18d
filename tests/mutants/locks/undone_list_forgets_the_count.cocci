// After a list was undone, locks are counted as if it had not been.
// killers: test_tree_locks
@@
@@
run_list(...)
{
<...
- status = c->tree->broken = locks_load(c->tree);
...>
}
