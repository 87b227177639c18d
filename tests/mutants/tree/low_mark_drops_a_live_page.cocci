// Raising the low mark frees the page in which the mark lies, and results that are still waited
// for.
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
session_raise(...)
{
<...
- n < to
+ n <= to
...>
}
