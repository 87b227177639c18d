// A stored result comes back with the revision of its repetition.
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
result_decode(...)
{
<...
- result->revision = reader_u64(&r);
+ reader_u64(&r);
...>
}
