// The digest is of the last entry alone.
// killers: test_tree_history
@@
@@
put_counters(...)
{
<...
- buffer_put_u64(out, counters->digest);
...>
}
