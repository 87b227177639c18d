// The digest does not cover the effects of an entry.
// killers: test_tree_history
@@
@@
history_add(...)
{
<...
- result_encode(result, outcome);
...>
}
