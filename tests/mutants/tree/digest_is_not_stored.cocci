// The digest of the history is forgotten with the process.
// killers: test_tree_history
@@
@@
store_counters(...)
{
<...
- bind_number(query, 7, counters->digest);
...>
}
