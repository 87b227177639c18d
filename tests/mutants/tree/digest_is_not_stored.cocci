// The digest of the history is forgotten with the process.
// killers: test_tree_history
@@
@@
counters_store(...)
{
<...
- return tree_run(tree, query);
+ bind_number(query, parameter, 0);
+ return tree_run(tree, query);
...>
}
