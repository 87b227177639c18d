// The digest does not see what an entry brought about.
// killers: test_tree_history
@@
@@
history_add(...)
{
<...
- result_encode(result, outcome);
...>
}
