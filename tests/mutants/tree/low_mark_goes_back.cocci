// The low mark is assigned: a reordered command of before takes it back.
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
session_raise(...)
{
<...
- if (lowest <= session->lowest)
-         return;
...>
}
