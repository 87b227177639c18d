// The low mark of a session is not stored.
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
session_write(...)
{
<...
- bind_number(row, 3, session->lowest);
+ bind_number(row, 3, 0);
...>
}
