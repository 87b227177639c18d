// The low mark is assigned: an earlier command that arrives late takes it back.
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
