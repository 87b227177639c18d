// The digest does not see the numbers that are given next.
// killers: test_tree_history
@@
@@
put_counters(...)
{
<...
- buffer_put_u64(out, counters->next_data);
...>
}
